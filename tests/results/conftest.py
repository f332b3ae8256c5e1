import json

import pytest

from harness.core.case import Case
from harness.core.recording import Ending, Exchange, Header, Recording, Request, Response, Segment, Side, Source
from harness.core.verdict import Judgement, Pointer, Verdict, Violation
from harness.results.store import RunFolder

MS = 1_000_000


def event(text=None, *, role=False, finish=None, usage=None):
    """One chunk as the providers of the dialect send it."""
    delta = ({"role": "assistant"} if role else {}) | ({} if text is None else {"content": text})
    choices = [] if usage else [{"index": 0, "delta": delta, "finish_reason": finish}]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": choices}
    return f"data: {json.dumps(chunk | ({'usage': usage} if usage else {}))}\n\n".encode()


def usage(tokens):
    return {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 3 + tokens}


class Maker:
    """Makes exchanges whose every byte has a time; times are given in milliseconds of the recording."""

    event = staticmethod(event)
    usage = staticmethod(usage)
    DONE = b"data: [DONE]\n\n"

    def exchange(self, pieces=(), *, id="c1", side=Side.CLIENT, sent=0.0, headers=None, ended=None, **more):
        """An exchange of the pieces ``(ms, bytes)``; no response where there are neither pieces nor headers."""
        body, segments = b"", []
        for at_ms, data in pieces:
            body += data
            segments.append(Segment(len(body), int(at_ms * MS)))
        kind = more.pop("kind", "text/event-stream")
        status = more.pop("status", 200)
        stream = more.pop("stream", True)
        response = None
        if pieces or headers is not None:
            at_ns = int((headers if headers is not None else pieces[0][0]) * MS)
            response = Response(status, "", (("Content-Type", kind),), at_ns, body, tuple(segments))
        asked = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": stream}
        last_ms = ended if ended is not None else (pieces[-1][0] if pieces else headers or sent)
        return Exchange(
            id=id,
            side=side,
            operation=more.pop("operation", "chat.completions"),
            request=Request("POST", "http://t/v1/chat/completions?q=1", (), json.dumps(asked).encode(), int(sent * MS)),
            response=response,
            ending=more.pop("ending", Ending.EOF),
            ended_ns=int(last_ms * MS),
            **more,
        )

    def recording(self, *exchanges, **more):
        return Recording(header=Header(source=Source.SIMULATOR), exchanges=exchanges, **more)

    def bursty(self, **more):
        """Role at 100, one token at 200, five in one read at 300, one at 450, finish and usage at 460, done at 470."""
        five = b"".join(event(word) for word in ("b", "c", "d", "e", "f"))
        pieces = (
            (100, event("", role=True)),
            (200, event("a")),
            (300, five),
            (450, event("gh")),
            (460, event(finish="stop") + event(usage=usage(8))),
            (470, self.DONE),
        )
        return self.exchange(pieces, **({"headers": 90, "ended": 480} | more))


@pytest.fixture
def make():
    return Maker()


CASE = Case("reference", "gateway", "chat-stream", "groq", "none")


def judged(contract="stream.words-faithful", verdict=Verdict.PASS, sentence=None, note=""):
    violations = (Violation(sentence, (Pointer("c1", start=1, end=2),)),) if sentence else ()
    return Judgement(contract, verdict, violations, subjects=1, note=note)


@pytest.fixture
def judgement():
    return judged


class Runs:
    """Writes runs into a folder, the way a live run does."""

    def __init__(self, root):
        self.root = root
        self.case = CASE

    def write(self, name, cases=(), *, finish=True, **facts):
        """A run; ``cases`` are (case, judgements, recording)."""
        judges = sorted({one.contract for _, judgements, _ in cases for one in judgements})
        told = {"target": "reference", "defect": None, "seed": 0, "jobs": 1, "planned": len(cases)}
        folder = RunFolder(name, root=self.root, facts=told | {"contracts": len(judges), "judges": judges} | facts)
        for case, judgements, recording in cases:
            folder.add(case, judgements, 0.5, recording)
        if finish:
            counts = {verdict.value: 0 for verdict in Verdict}
            for _, judgements, _ in cases:
                for one in judgements:
                    counts[one.verdict.value] += 1
            folder.finish({"cases": len(cases), "seconds": 1.5, "interrupted": False, "verdicts": counts})
        return folder.path


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)
