import pytest

from harness import results
from harness.cassettes import file


@pytest.fixture
def found(runs, make, judgement):
    recording = make.recording(make.bursty(), make.exchange(id="c2", headers=5, ended=9))
    path = runs.write("r1", [(runs.case, [judgement()], recording)])
    file.write(path / "cassettes" / f"{runs.case}.yaml", recording)
    return results.compare(root=runs.root)


def test_a_stream_stands_by_every_definition(found):
    (row,) = found.to_dict("records")
    assert (row["run"], row["case_name"], row["exchange"]) == ("r1", "reference/gateway/chat-stream/groq.none", "c1")
    assert {name: row[f"{name}.ttft_ms"] for name in ("ours", "guidellm", "aiperf", "vllm")} == {
        "ours": 200,
        "guidellm": 200,
        "aiperf": 200,
        "vllm": 100,
    }
    assert {name: row[f"{name}.total_ms"] for name in ("ours", "guidellm", "aiperf", "vllm")} == {
        "ours": 480,
        "guidellm": 480,
        "aiperf": 450,
        "vllm": 460,
    }
    assert row["guidellm.tpot_ms"] == pytest.approx(450 / 8)


def test_a_run_without_streams_is_an_empty_frame(runs):
    runs.write("r1")
    assert results.compare(root=runs.root).empty
