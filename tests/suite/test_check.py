"""Strangers' recordings in, one report out."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cassettes import file as cassette
from harness.core.errors import UsageError
from harness.core.recording import Ending, Exchange, Header, Recording, Request, Response, Side, Source
from harness.core.verdict import Verdict
from harness.suite.check import CheckReport, check

URL = "https://api.openai.com/v1/chat/completions"
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "m"}


def event(delta: dict, finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({**HEAD, 'choices': [choice]})}\n\n"


BEGUN = event({"role": "assistant", "content": "hi"})
FINISHED = BEGUN + event({}, "stop")
WHOLE = FINISHED + "data: [DONE]\n\n"


def interaction(body: str, uri: str = URL) -> dict:
    return {
        "request": {"method": "POST", "uri": uri, "headers": {}, "body": '{"model":"m","stream":true}'},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["text/event-stream"]},
            "body": {"string": body},
        },
    }


Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes a file under a folder of the test; interactions make a cassette of vcrpy."""

    def write(name: str, *content: dict | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content and isinstance(content[0], bytes):
            path.write_bytes(content[0])
        else:
            path.write_text(json.dumps({"version": 1, "interactions": list(content)}))
        return path

    return write


def run(*paths: Path) -> CheckReport:
    return check(paths)


def test_a_healthy_stream_passes(put: Put):
    report = run(put("a.yaml", interaction(WHOLE)))
    assert (report.files, report.interactions) == (1, 1)
    assert report.providers == {"openai": {"chat.completions": 1}}
    assert report.formats == {"vcrpy": 1}
    assert report.verdicts[Verdict.PASS] >= 10
    assert set(report.verdicts) == {Verdict.PASS, Verdict.NOT_APPLICABLE}
    assert (report.failures, report.broken_off, report.unread) == ([], [], [])


def test_a_broken_promise_is_told_with_its_place(put: Put):
    path = put("a.yaml", interaction(WHOLE), interaction(FINISHED))
    report = run(path)
    assert report.verdicts[Verdict.FAIL] == 1
    (failure,) = report.failed
    assert (failure.path, failure.exchange, failure.contract) == (str(path), "p2", "openai.stream-done")
    assert report.warned == []


def test_a_should_is_a_warning(put: Put):
    report = run(put("a.yaml", interaction(WHOLE.replace("chatcmpl-1", "other"))))
    assert (report.verdicts[Verdict.FAIL], report.verdicts[Verdict.WARN]) == (0, 1)
    assert [one.contract for one in report.warned] == ["openai.id-form"]


def test_a_stream_that_breaks_off_is_told_and_not_failed(put: Put):
    path = put("a.yaml", interaction(BEGUN + event({"content": "there"})[:30]))
    report = run(path)
    assert report.broken_off == [(str(path), "p1")]
    assert report.verdicts[Verdict.FAIL] == 0


def test_a_verdict_is_counted_for_each_contract_and_interaction(put: Put):
    one = run(put("a.yaml", interaction(WHOLE)))
    three = run(put("b.yaml", *[interaction(WHOLE)] * 3))
    assert {verdict: 3 * count for verdict, count in one.verdicts.items()} == three.verdicts


def test_folders_are_walked_and_hidden_ones_passed_over(put: Put, tmp_path: Path):
    put("a.yaml", interaction(WHOLE))
    put("deep/er/b.json", interaction(WHOLE))
    put("deep/c.yaml.gz", gzip.compress(json.dumps({"interactions": [interaction(WHOLE)]}).encode()))
    put(".git/d.yaml", interaction(WHOLE))
    report = run(tmp_path, tmp_path / "a.yaml")
    assert (report.files, report.interactions) == (3, 3)


def test_what_is_not_read_is_named_with_its_reason(put: Put, tmp_path: Path):
    put("LICENSE", b"MIT License\n\nCopyright (c) somebody\n")
    put("ruby.yml", b"---\nhttp_interactions: 5\nrecorded_with: VCR 6\n")
    put("torn.yaml.gz", gzip.compress(b"x" * 100)[:-9])
    put("half.yaml", {"request": {}, "response": {}})
    put("tagged.yaml", b"interactions:\n- request: {uri: u}\n  x: !!python/name:os.system\n")
    reasons = {Path(path).name: reason for path, reason in run(tmp_path).unread}
    assert reasons["LICENSE"] == "not a recording in any format that is known"
    assert reasons["ruby.yml"] == "no list of http_interactions"
    assert reasons["torn.yaml.gz"] == "the compressed data is cut short"
    assert "tag:yaml.org,2002:python/name:os.system" in reasons["tagged.yaml"]
    assert set(reasons) == {"LICENSE", "ruby.yml", "torn.yaml.gz", "tagged.yaml", "half.yaml"}


def test_an_interaction_that_is_not_read_leaves_the_others(put: Put):
    path = put("a.yaml", interaction(WHOLE), {**interaction(WHOLE), "response": {}})
    report = run(path)
    assert report.interactions == 1
    assert report.unread == [(f"{path}: interaction 2", "the response has no status code")]


def test_formats_of_several_recorders_are_judged_alike(put: Put, tmp_path: Path):
    sent = {"method": "POST", "body": '{"model":"m","stream":true}'}
    put(
        "go.json",
        json.dumps(
            {"interactions": [{"request": {"url": URL, **sent}, "response": {"code": 200, "body": FINISHED}}]}
        ).encode(),
    )
    got = {"status": {"code": 200}, "headers": {}, "body": {"string": FINISHED}}
    put("ruby.json", json.dumps({"http_interactions": [{"request": {"uri": URL, **sent}, "response": got}]}).encode())
    put("har.json", json.dumps({"log": {"entries": [har_entry(FINISHED)]}}).encode())
    report = run(tmp_path)
    assert report.formats == {"go-vcr": 1, "ruby-vcr": 1, "har": 1}
    assert [one.contract for one in report.failed] == ["openai.stream-done"] * 3


def har_entry(body: str) -> dict:
    return {
        "request": {"method": "POST", "url": URL, "postData": {"text": '{"stream":true}'}},
        "response": {"status": 200, "content": {"text": body}},
    }


def test_a_stream_that_its_recorder_wrote_again_is_not_held_to_its_framing(put: Put):
    """The lines of a stream without what was between them, and without ``[DONE]``: only values can be judged."""
    chunk = {"id": "gen-1-x", "provider": "p", **{name: HEAD[name] for name in ("object", "created", "model")}}
    begun = {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}}]}
    finished = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    report = run(put("chunks.txt", "".join(json.dumps(one) + "\n" for one in (begun, finished)).encode()))
    assert report.providers == {"openrouter": {"chat.completions": 1}}
    assert report.verdicts[Verdict.PASS] > 0
    assert report.failures == []


def test_a_body_without_a_request_is_placed_by_what_it_is(put: Put, tmp_path: Path):
    put("a.sse", b'event: message_start\ndata: {"type":"message_start"}\n\n')
    put("b.json", b'{"error": {"message": "m", "type": "t", "param": null, "code": null}}')
    report = run(tmp_path)
    assert report.providers == {"compatible": {"messages": 1, "error": 1}}
    assert report.broken_off == [(str(tmp_path / "a.sse"), "p1")]


def our_cassette(path: Path, fault: str) -> Path:
    exchange = Exchange(
        id="p1",
        side=Side.PROVIDER,
        operation="chat.completions",
        provider="openai",
        request=Request("POST", "http://127.0.0.1/v1/chat/completions", body=b'{"model":"m","stream":true}'),
        response=Response(200, headers=(("Content-Type", "text/event-stream"),), body=FINISHED.encode()),
        ending=Ending.EOF,
        ended_ns=1,
    )
    header = Header(source=Source.SIMULATOR, fault=fault)
    cassette.write(path, Recording(header=header, exchanges=(exchange,)))
    return path


def test_our_own_cassettes_are_read_and_a_scripted_fault_is_not_judged(tmp_path: Path):
    scripted = run(our_cassette(tmp_path / "no-done.yaml", "no-done"))
    assert (scripted.formats, scripted.interactions) == ({"harness": 1}, 1)
    assert set(scripted.verdicts) == {Verdict.NOT_APPLICABLE}
    assert run(our_cassette(tmp_path / "none.yaml", "none")).verdicts[Verdict.FAIL] == 1


def test_a_torn_cassette_of_ours_is_read_to_its_last_whole_line(tmp_path: Path):
    path = our_cassette(tmp_path / "a.yaml", "none")
    path.write_bytes(path.read_bytes() + b'- {"request": {"meth')
    report = run(path)
    assert report.interactions == 1
    assert report.unread == [(str(path), "the last line is torn and was dropped")]


def test_a_packed_cassette_of_ours_is_named(tmp_path: Path):
    plain = our_cassette(tmp_path / "a.yaml", "none")
    packed = tmp_path / "a.yaml.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert run(packed).unread == [(str(packed), "a packed cassette of this harness: unpack it first")]


def test_a_path_that_does_not_exist_is_a_usage_error(tmp_path: Path):
    with pytest.raises(UsageError, match="no file or folder"):
        run(tmp_path / "absent")
    with pytest.raises(UsageError, match="nothing to check"):
        run()


def test_progress_is_told_to_the_end(put: Put, tmp_path: Path):
    put("a.yaml", interaction(WHOLE))
    put("b.yaml", interaction(WHOLE))
    seen: list[tuple[int, int]] = []
    check([tmp_path], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_the_report_is_plain_data(put: Put, tmp_path: Path):
    path = put("a.yaml", interaction(FINISHED), interaction(WHOLE), interaction(BEGUN))
    put("NOTICE", b"words\n")
    report = json.loads(json.dumps(run(tmp_path).to_json()))
    assert set(report) == {
        *("files", "interactions", "providers", "endpoints", "verdicts"),
        *("unread", "failures", "formats", "broken_off", "judged", "contracts"),
    }
    assert report["providers"] == {"openai": 3}
    assert report["endpoints"] == {"openai": {"chat.completions": 3}}
    assert report["judged"] == {"openai": {"openai": 3}}
    assert report["contracts"]["openai.stream-done"] == 2  # the third breaks off
    assert set(report["verdicts"]) == {verdict.value for verdict in Verdict}
    assert report["verdicts"]["fail"] == 1
    assert report["unread"] == [{"path": str(tmp_path / "NOTICE"), "reason": run(tmp_path).unread[0][1]}]
    assert report["broken_off"] == [{"path": str(path), "exchange": "p3"}]
    (failure,) = report["failures"]
    assert failure["contract"] == "openai.stream-done"
    assert failure["verdict"] == "fail"
