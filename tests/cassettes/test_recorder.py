from __future__ import annotations

from harness.cassettes.recorder import Recorder
from harness.core.recording import Ending, Header, Side, Source


class Sink:
    def __init__(self):
        self.seen = []

    def __getattr__(self, name):
        return lambda *given: self.seen.append((name, *given))


def open_one(recorder, side=Side.CLIENT, **more):
    return recorder.open(side, "call", method="GET", url="http://x/", headers=[("A", "b")], body=b"", **more)


def test_ids_count_by_side(recorder):
    sides = (Side.CLIENT, Side.PROVIDER, Side.CLIENT, Side.SERVICE)
    assert [open_one(recorder, side).id for side in sides] == ["c1", "p1", "c2", "s1"]


def test_exchanges_are_in_the_order_they_were_sent(recorder):
    open_one(recorder, sent_ns=20)
    open_one(recorder, sent_ns=10)
    assert [exchange.id for exchange in recorder.recording().exchanges] == ["c2", "c1"]


def test_a_draft_still_open_is_taken_as_it_stands(recorder):
    draft = open_one(recorder, sent_ns=5)
    draft.head(7, 200)
    (exchange,) = recorder.recording().exchanges
    assert (exchange.status, exchange.ending, exchange.ended_ns) == (200, Ending.CLIENT_CLOSE, 7)
    draft.end(9, Ending.EOF)
    assert recorder.recording().exchanges[0].ending is Ending.EOF


def test_the_header_can_be_completed_at_the_end(recorder):
    recorder.probe("ledger", [1])
    recorder.mark("go")
    recording = recorder.recording(void="broken", capabilities=frozenset({"ledger"}))
    assert (recording.header.void, recording.header.capabilities) == ("broken", {"ledger"})
    assert recording.header.recorder.startswith("llm-contract-harness ")
    assert recording.header.recorded_at.endswith("+00:00")
    assert recording.probe("ledger").data == [1]
    assert recording.mark("go").data is None
    assert recording.mark("go").at_ns >= recording.probe("ledger").at_ns > 0


def test_the_sink_is_told_of_everything_once():
    sink = Sink()
    recorder = Recorder(Header(source=Source.SIMULATOR), journal=sink)
    draft = open_one(recorder)
    draft.head(1, 200)
    draft.segment(2, b"ab")
    draft.segment(3, b"")
    draft.end(4, Ending.EOF)
    draft.segment(5, b"late")
    recorder.close(draft)
    recorder.close(draft)
    recorder.probe("p", 1)
    recorder.mark("m")
    names = [name for name, *_ in sink.seen]
    assert names == ["opened", "headed", "arrived", "exchange", "probe", "mark"]
    assert sink.seen[2][2:] == (2, b"ab")
    assert sink.seen[3][1] == recorder.recording().exchanges[0]


def test_the_clock_runs_from_the_start(recorder):
    first = recorder.now()
    assert 0 < first <= recorder.now()
