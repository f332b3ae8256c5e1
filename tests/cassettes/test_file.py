from __future__ import annotations

import json
import warnings
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cassettes.file import CassetteWarning, Writer, decode_line, encode_line, is_ours, load, write
from harness.core.errors import CassetteError, CassetteLimit, CassetteWrite
from harness.core.recording import (
    Ending,
    Exchange,
    Fidelity,
    Header,
    Mark,
    Probe,
    Recording,
    Request,
    Response,
    Segment,
    Side,
    Source,
)

TEXT = st.text(st.characters(), max_size=20)  # any code point, lone surrogates included
TROUBLE = st.sampled_from(
    ["", "\x00", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\ufffe", "\ud800", "\U0001f600", "- {", "#", '"']
)
TEXTS = st.one_of(TEXT, st.tuples(TEXT, TROUBLE, TEXT).map("".join))
TIMES = st.integers(0, 2**62)
HEADERS = st.lists(st.tuples(TEXTS, TEXTS), max_size=5).map(tuple)
BODIES = st.one_of(st.binary(max_size=60), TEXT.map(lambda text: text.encode("utf-8", "replace")))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@st.composite
def responses(draw):
    body = draw(BODIES)
    ends = sorted(draw(st.lists(st.integers(0, len(body)), max_size=6)))
    segments = tuple(Segment(end, draw(TIMES)) for end in ends)
    return Response(draw(st.integers(100, 999)), draw(TEXTS), draw(HEADERS), draw(TIMES), body, segments)


EXCHANGES = st.builds(
    Exchange,
    id=st.from_regex(r"[cps][1-9][0-9]?", fullmatch=True),
    side=st.sampled_from(Side),
    operation=TEXTS,
    request=st.builds(Request, TEXTS, TEXTS, HEADERS, BODIES, TIMES),
    response=st.none() | responses(),
    ending=st.sampled_from(Ending),
    ended_ns=TIMES,
    tie=st.none() | TEXTS,
    provider=st.none() | TEXTS,
    error=st.none() | TEXTS,
    fidelity=st.sampled_from(Fidelity),
)
HEADER = st.builds(
    Header,
    source=st.sampled_from(Source),
    scenario=st.none() | TEXTS,
    seed=st.integers(0, 2**64 - 1),
    capabilities=st.frozensets(TEXTS, max_size=3),
    facts=st.dictionaries(TEXTS, JSON, max_size=3),
    void=st.none() | TEXTS,
)


@st.composite
def recordings(draw):
    return Recording(
        header=draw(HEADER),
        exchanges=tuple(sorted(draw(st.lists(EXCHANGES, max_size=3)), key=lambda one: one.request.sent_ns)),
        probes=tuple(
            sorted(draw(st.lists(st.builds(Probe, TEXTS, TIMES, JSON), max_size=2)), key=lambda one: one.at_ns)
        ),
        marks=tuple(sorted(draw(st.lists(st.builds(Mark, TEXTS, TIMES, JSON), max_size=2)), key=lambda one: one.at_ns)),
    )


def exchange(number: int = 1, body: bytes = b"data: x\n\n", **changes) -> Exchange:
    whole = Exchange(
        id=f"c{number}",
        side=Side.CLIENT,
        operation="chat",
        request=Request("POST", "http://h/v1", (("Host", "h"), ("Accept", "*/*")), b'{"a":1}', number * 10),
        response=Response(200, "OK", (("X", "1"),), number * 10 + 1, body, (Segment(len(body), number * 10 + 2),)),
        ending=Ending.EOF,
        ended_ns=number * 10 + 3,
        tie="tok.1",
    )
    return replace(whole, **changes)


def recording(count: int = 2) -> Recording:
    return Recording(
        header=Header(source=Source.SIMULATOR, capabilities=frozenset({"ledger"}), facts={"price": 1.5}),
        exchanges=tuple(exchange(number) for number in range(1, count + 1)),
        probes=(Probe("ledger", 5, {"balance": 10}),),
        marks=(Mark("go", 6),),
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("cassettes") / "one.yaml"


@given(recordings())
def test_what_was_written_is_what_is_loaded(path, given_recording):
    write(path, given_recording)
    assert replace(load(path), name="") == given_recording


@given(recordings())
def test_json_and_yaml_read_the_same(path, given_recording):
    write(path, given_recording)
    text = path.read_text(encoding="utf-8")
    documents = yaml.load(text, Loader=yaml.CSafeLoader)
    assert documents["version"] == 1
    lines = [line for line in text.split("\n")[2:] if line]
    assert len(lines) == len(documents["interactions"])
    for line, interaction in zip(lines, documents["interactions"], strict=True):
        assert yaml.load(line, Loader=yaml.CSafeLoader) == [interaction]
        if "!!binary" not in line:
            assert json.loads(line[2:]) == interaction


@given(recordings())
@settings(max_examples=30)
def test_the_pure_python_yaml_reader_agrees(path, given_recording):
    write(path, given_recording)
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text) == yaml.load(text, Loader=yaml.CSafeLoader)


def complaint(path) -> str | None:
    """What ``load`` says of a file; None where it loads. Any other exception is a failure of the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CassetteWarning)
        try:
            load(path)
        except CassetteError as failure:
            return str(failure)
    return None


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_recording_or_a_declared_error(path, data, preamble):
    path.write_bytes((b"version: 1\ninteractions:\n- {" if preamble else b"") + data)
    assert str(path) in (complaint(path) or "")


@given(st.data())
@settings(max_examples=200)
def test_a_damaged_cassette_gives_a_recording_or_a_declared_error(path, data):
    write(path, recording())
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    assert str(path) in (complaint(path) or str(path))


def test_a_torn_last_line_is_dropped_with_a_warning(tmp_path):
    path = tmp_path / "torn.yaml"
    for last in (exchange(2), exchange(2, body=b"\xff\x00"), Probe("log", 9, ["é\u2028"])):
        with Writer(path, recording().header) as writer:
            writer.append(exchange(1))
            whole = path.read_bytes()
            writer.append(last)
        line = path.read_bytes()[len(whole) :]
        for cut in range(1, len(line) - 1):
            path.write_bytes(whole + line[:cut])
            with pytest.warns(CassetteWarning, match="line 5: the last line is torn"):
                assert load(path).exchanges == (exchange(1),)
        for end in (b"", line[:-1], line):
            path.write_bytes(whole + end)
            assert len(load(path).exchanges) + len(load(path).probes) == (2 if end else 1)


def test_zeros_after_a_power_failure_are_a_torn_line(path):
    write(path, recording())
    path.write_bytes(path.read_bytes() + b"\0" * 40)
    with pytest.warns(CassetteWarning):
        assert load(path).exchanges == recording().exchanges


def test_a_complete_last_line_that_is_wrong_is_not_torn(path):
    write(path, replace(recording(1), probes=(), marks=()))
    path.write_bytes(path.read_bytes().replace(b"data: x", b"data: y").removesuffix(b"\n"))
    with pytest.raises(CassetteError, match=r"line 4: the body of c1 \(chat\) does not match its digest"):
        load(path)


def test_a_broken_line_in_the_middle_is_named(path):
    write(path, recording())
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:3], lines[3][:40], *lines[4:]]))
    with pytest.raises(CassetteError, match="line 4: not an interaction"):
        load(path)


def test_line_ends_and_marks_of_other_systems_are_read(path):
    write(path, recording())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load(path).exchanges == recording().exchanges


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no list of interactions"),
        (b"hello: [", "not YAML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"version: 1\ninteractions: []\n", "does not begin with a header"),
        (b"interactions:\n- 1\n", "not an interaction of this harness"),
        (b"interactions: !!python/object/apply:os.system [true]\n", "python/object"),
        (b"[" * 200_000, "deep"),
        (b"a: &a [x]\nb: " + b"[*a, " * 120, "deeper"),
    ],
)
def test_what_is_no_cassette_is_refused_in_words(path, content, words):
    path.write_bytes(content)
    with pytest.raises(CassetteError, match=words):
        load(path)


def test_a_strangers_cassette_is_pointed_to_its_readers(path):
    path.write_text(
        "interactions:\n- request: {method: GET, uri: http://h/, body: null, headers: {}}\n"
        "  response: {status: {code: 200, message: OK}, headers: {}, body: {string: x}}\nversion: 1\n"
    )
    assert not is_ours(path)
    with pytest.raises(CassetteError, match=r"has no response\.x_stream"):
        load(path)


def test_limits(path, tmp_path):
    write(path, recording())
    with pytest.raises(CassetteLimit, match="larger than 100 bytes"):
        load(path, max_bytes=100)
    with pytest.raises(CassetteLimit, match="more than 2 interactions"):
        load(path, max_interactions=2)
    deep = json.loads("[" * 150 + "]" * 150)
    write(path, replace(recording(), probes=(Probe("deep", 1, deep),)))
    with pytest.raises(CassetteLimit, match=r"line 6.*deeper than 100"):
        load(path)
    line = b'- {"request": ' + b"[" * 100_000
    with pytest.raises(CassetteError, match="here"):
        decode_line(line, "here")


def test_missing_and_unwritable_files_say_so(tmp_path):
    with pytest.raises(CassetteError, match=r"none\.yaml: cannot be read: No such file"):
        load(tmp_path / "none.yaml")
    assert not is_ours(tmp_path / "none.yaml")
    blocked = tmp_path / "file"
    blocked.write_text("x")
    for attempt in (lambda path: write(path, recording()), lambda path: Writer(path, recording().header)):
        with pytest.raises(CassetteWrite, match="cannot be written"):
            attempt(blocked / "under" / "c.yaml")


def test_data_that_json_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "c.yaml"
    write(path, recording())
    before = path.read_bytes()
    with pytest.raises(CassetteWrite, match="JSON cannot hold"):
        write(path, replace(recording(), marks=(Mark("bad", 1, object()),)))
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["c.yaml"]


def test_a_failed_write_leaves_no_temporary_file(tmp_path):
    (tmp_path / "c.yaml").mkdir()
    with pytest.raises(CassetteWrite):
        write(tmp_path / "c.yaml", recording())
    assert [one.name for one in tmp_path.iterdir()] == ["c.yaml"]


@pytest.mark.parametrize("fsync", [False, True])
def test_a_writer_appends_lines_that_are_there_at_once(tmp_path, fsync):
    path = tmp_path / "deep" / "er" / "c.yaml"
    writer = Writer(path, recording().header, fsync=fsync)
    assert load(path).exchanges == ()
    writer.append(exchange(2))
    writer.append(exchange(1))
    writer.append(Probe("p", 1, None))
    writer.append(Mark("m", 2))
    assert load(path).exchanges == (exchange(1), exchange(2))
    assert is_ours(path)
    writer.close()
    writer.close()
    with pytest.raises(CassetteWrite, match="closed"):
        writer.append(Mark("m", 3))
    with Writer(path, recording().header):
        assert load(path).marks == ()


def test_bytes_that_are_no_text_are_binary_in_yaml(path):
    write(path, replace(recording(), exchanges=(exchange(body=b"\xff\x00\x10"),)))
    (interaction,) = yaml.load(path.read_bytes().split(b"\n")[3], Loader=yaml.CSafeLoader)
    assert interaction["response"]["body"]["string"] == b"\xff\x00\x10"
    assert load(path).exchanges[0].body == b"\xff\x00\x10"


def test_a_body_that_speaks_of_binary_is_text(path):
    body = b'{"string": !!binary "AAAA", "base64": "AAAA", \\"body64\\": "}'
    given_recording = replace(recording(), exchanges=(exchange(body=body),))
    write(path, given_recording)
    assert load(path).exchanges == given_recording.exchanges


def test_a_line_is_one_line(path):
    line = encode_line(exchange(body="a\nb\r\u2028\x85c".encode()))
    assert line.count(b"\n") == 1
    assert decode_line(line, "") == exchange(body="a\nb\r\u2028\x85c".encode())


def test_a_later_format_is_not_guessed_at(path):
    write(path, recording())
    path.write_bytes(path.read_bytes().replace(b'{\\"format\\": 1', b'{\\"format\\": 2'))
    with pytest.raises(CassetteError, match=r"line 3: format 2 is not known here\. A newer version"):
        load(path)
