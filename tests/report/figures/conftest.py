import pytest

PARTS = {"before_ms": 3.0, "others_ms": 1.0, "provider_ms": 4.0, "after_ms": 2.0, "target_share": 0.5}


def nothing(made):
    """A run that exercised nothing."""


def void(made):
    """Every case is void by a failure of the harness."""
    made.verdict("a.b", "error", note="the port is in use")


def healthy(made):
    """One provider, one call, one contract, nothing broken."""
    made.verdict("stream.told")
    made.call(columns=PARTS)


def broken(made):
    """Two providers, faults of several kinds, MUSTs and a SHOULD broken, calls that never came, a late harness."""
    for provider in ("groq", "openai"):
        for number, fault in enumerate(("none", "cut", "http-429", "no-headers", "an-unknown-one")):
            case = {"provider": provider, "fault": fault}
            verdict = "fail" if fault == "cut" else "warn" if fault == "http-429" else "pass"
            made.verdict("stream.told", verdict, None if verdict == "pass" else "Nothing is said.", **case)
            made.verdict("credits.conserved", "inconclusive", note="too late", **case)
            made.call(total_ms=20.0 + number, columns=PARTS, **case)
            made.call(ttft_ms=None, columns={"status": 429, "ttft_state": "refused", "ttft_censored_ms": 4.0}, **case)
        for number in range(8):
            late = {"ttft_state": "censored", "ttft_censored_ms": 90.0} if number > 4 else PARTS
            ttft_ms = None if number > 4 else 10.0 + number
            made.call(ttft_ms=ttft_ms, provider=provider, columns={"saturated": number % 2 == 0, "lag_ms": 12.0} | late)
        made.call(ttft_ms=None, provider=provider, columns={"status": None, "ending": "client-close"})
    made.race((0.0, "served"), (0.1, "served"), (0.2, "refused"), skew_ms=0.2)
    made.race((0.0, "served"), (9.0, "failed"), skew_ms=9.0, window_ms=None)
    made.race((-2.0, "refused"), (-0.5, "served"), (1.5, "served"), how="sweep", kind="observe", system="chat")
    made.race((-2.0, "refused"), (0.5, "ended"), (90.0, "served"), how="sweep", kind="delete", system="chat")
    made.forced((-1, 404), (0, 200), (3, 200), (3, 404))
    made.forced_at("delete", ("before the stream", None, "refused"), ("amid the words", 3, "ended"))
    made.forced_at("settle", ("an abort after the settlement", None, "served"), (MOMENT, None, "repeated"))


MOMENT = "an abort after the settlement"


def large(made):
    """A hundred contracts broken behind seven providers, calls of several systems."""
    for provider in ("openai", "groq", "compatible", "anthropic", "bedrock", "vertex", "chatkit"):
        for number in range(100):
            broken = "fail" if number % 3 else "warn"
            made.verdict(
                f"family{number % 9}.c{number}", broken, f"It was {'so ' * (number % 12)}wrong.", provider=provider
            )
        for system in ("gateway", "runs", "agent"):
            made.call(provider=provider, system=system, columns=PARTS)


SHAPES = {one.__name__: one for one in (nothing, void, healthy, broken, large)}


@pytest.fixture(params=SHAPES)
def shape(request, made):
    """Frames of a run of each shape, with the shape's name."""
    SHAPES[request.param](made)
    return request.param, made.frames()


@pytest.fixture
def frames(made):
    """Frames of the run with something of everything."""
    broken(made)
    return made.frames()
