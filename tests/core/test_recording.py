import pytest

from harness.core.recording import Header, Mark, Probe, Recording, Response, Segment, Source


@pytest.mark.parametrize(("offset", "at_ns"), [(0, 20), (1, 20), (2, 30), (9, 30)])
def test_a_byte_arrived_with_its_segment(offset, at_ns):
    response = Response(200, at_ns=10, body=b"abc", segments=(Segment(2, 20), Segment(3, 30)))
    assert response.at(offset) == at_ns


def test_without_segments_a_byte_arrived_with_the_headers():
    assert Response(200, at_ns=10, body=b"abc").at(1) == 10


def test_header_fields_are_found_without_case():
    assert Response(200, headers=(("Retry-After", "7"), ("retry-after", "8"))).header("retry-after") == "7"


def test_the_last_probe_and_the_first_mark_of_a_name_are_given():
    recording = Recording(
        header=Header(source=Source.SIMULATOR),
        probes=(Probe("ledger", 1, 1), Probe("ledger", 2, 2)),
        marks=(Mark("left", 1, "a"), Mark("left", 2, "b")),
    )
    assert recording.probe("ledger") == Probe("ledger", 2, 2)
    assert recording.mark("left") == Mark("left", 1, "a")
    assert recording.probe("log") is None
    assert recording.mark("other") is None


def test_what_is_memorised_is_made_once():
    recording, made = Recording(header=Header(source=Source.SIMULATOR)), []
    for _ in range(3):
        recording.memo("x", lambda: made.append(1))
    assert made == [1]
