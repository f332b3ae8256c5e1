"""What Amazon Bedrock promises of what an invoke stream's chunks hold, which have the form of the model's family.

Claude's chunks are Anthropic's events, with its own promises. Of a family that is not known only what holds for all
streams is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.core.recording import Json, Recording
from harness.core.verdict import Level, Subject
from harness.providers.bedrock import METRICS, Kind, StreamEvent

from .provider_bedrock import STOP_REASONS
from .provider_bedrock_invoke import GUIDE, LLAMA_REASONS, TITAN_REASONS
from .provider_bedrock_stream import ORDER, Step, left_open, out_of_order
from .provider_invocations import FRAMED, Invocation, invoked_model, streams
from .provider_traffic import read_json
from .registry import Findings, contract

Path = tuple[str | int, ...]
_OWN = "amazon-bedrock-"
"""What the fields begin with that Bedrock adds to a chunk, whatever the model: metrics, a guardrail's action."""
_COHERE = ("COMPLETE", "MAX_TOKENS", "STOP_SEQUENCE", "ERROR", "ERROR_LIMIT", "ERROR_TOXIC", "USER_CANCEL")
COHERE_REASONS = frozenset({*_COHERE, *map(str.lower, _COHERE)})
"""In capitals as endpoints write them, or small as the guide does."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a family's chunks look. Paths lead to what they say, the first that leads to something.

    ``stop`` is why the answer stopped, one of ``reasons``. ``words`` is text: each chunk has some where ``all_words``.
    ``after`` is what may follow the stop. ``asked`` is in the requests that are answered in this form.
    """

    stop: tuple[Path, ...]
    reasons: frozenset[str]
    words: tuple[Path, ...] = ()
    all_words: bool = False
    after: frozenset[str] = frozenset()
    asked: str | None = None


_NOVA = "amazon.nova"
_MISTRAL = Form(
    stop=(("outputs", 0, "stop_reason"),),
    reasons=frozenset({"stop", "length"}),
    words=(("outputs", 0, "text"),),
    all_words=True,
    asked="prompt",
)
_COMMAND = Form(
    stop=(("finish_reason",), ("generations", 0, "finish_reason")),
    reasons=COHERE_REASONS,
    words=(("text",), ("generations", 0, "text")),
)
FORMS: Mapping[str, Form] = MappingProxyType(
    {
        _NOVA: Form(stop=(("messageStop", "stopReason"),), reasons=STOP_REASONS, after=frozenset({"metadata"})),
        "amazon.titan-text": Form(
            stop=(("completionReason",),), reasons=TITAN_REASONS, words=(("outputText",),), all_words=True
        ),
        "meta.llama3": Form(stop=(("stop_reason",),), reasons=LLAMA_REASONS, words=(("generation",),), all_words=True),
        "mistral.mistral-7b": _MISTRAL,
        "mistral.mixtral-8x7b": _MISTRAL,
        "mistral.mistral-small-2402": _MISTRAL,
        "mistral.mistral-large-2402": _MISTRAL,
        "cohere.command-text": _COMMAND,
        "cohere.command-light-text": _COMMAND,
        "cohere.command-r": _COMMAND,
    }
)
"""What is in the ids of a family's models -> how its chunks look."""


@dataclass(frozen=True)
class Chunks:
    """An invoke stream whose family's form is known."""

    answer: Invocation
    form: Form

    @property
    def events(self) -> tuple[StreamEvent, ...]:
        """The chunks that hold something; what cannot be decoded is for another contract."""
        return tuple(event for event in self.answer.events if event.kind is Kind.EVENT and isinstance(event.data, dict))

    def stop(self, event: StreamEvent) -> Json:
        """Why the answer stopped, where a chunk says so."""
        return _first(event.data, self.form.stop)

    def words(self, event: StreamEvent) -> Json:
        """A chunk's text."""
        return _first(event.data, self.form.words)

    def more(self, event: StreamEvent) -> set[str]:
        """What a chunk has in it besides what may come after the stop."""
        return {name for name in event.data if not name.startswith(_OWN)} - self.form.after


def _chunks(wanted: Callable[[Form], bool], *, whole: bool = False) -> Callable[[Recording], list[Chunks]]:
    """The invoke streams of the families whose forms are wanted; where ``whole``, only those that came to an end."""

    def select(recording: Recording) -> list[Chunks]:
        told = [(answer, _form(answer)) for answer in streams(FRAMED, whole=whole)(recording)]
        return [Chunks(answer, form) for answer, form in told if form is not None and wanted(form)]

    return select


def _form(answer: Invocation) -> Form | None:
    model = invoked_model(answer.exchange) or ""
    form = next((form for part, form in FORMS.items() if part in model), None)
    if form is None:
        return None
    asked = read_json(answer.exchange.request.body)
    request = asked if isinstance(asked, dict) else {}
    several = request.get("num_generations", 1) != 1  # each of them stops
    return None if several or (form.asked is not None and form.asked not in request) else form


def _first(data: Json, paths: tuple[Path, ...]) -> Json:
    return next((found for path in paths if (found := _at(data, path)) is not None), None)


def _at(data: Json, path: Path) -> Json:
    for step in path:
        if isinstance(step, str) and isinstance(data, dict):
            data = data.get(step)
        elif isinstance(step, int) and isinstance(data, list) and step < len(data):
            data = data[step]
        else:
            return None
    return data


@contract(
    "bedrock.invoke-stream-stop",
    select=_chunks(lambda form: bool(form.stop), whole=True),
    source=f"{GUIDE}: how each says why it stopped; every recorded stream (none is Llama's)",
    subject=Subject.PROVIDER,
    breakers=(
        "bedrock-nova-only-metrics",
        "bedrock-nova-no-stop",
        "bedrock-nova-stop-first",
        "bedrock-nova-second-stop",
        "bedrock-nova-unknown-stop",
        "bedrock-titan-no-last",
        "bedrock-titan-no-stop",
        "bedrock-titan-unknown-stop",
        "bedrock-titan-second-stop",
        "bedrock-titan-stop-first",
        "bedrock-titan-words-after-stop",
        "bedrock-llama-no-last",
        "bedrock-llama-no-stop",
        "bedrock-llama-unknown-stop",
        "bedrock-llama-second-stop",
        "bedrock-llama-stop-first",
        "bedrock-llama-words-after-stop",
    ),
)
def invoke_stream_stop(chunks: Chunks, _recording: Recording) -> Findings:
    """A whole invoke stream says once, in the words of its family, why it stopped, and holds no more of the answer.

    Clients tell by it whether the answer is whole, and stop reading there. (Metrics, and Nova's metadata, come with it
    or after it.)
    """
    answer, events = chunks.answer, chunks.events
    stops = [event for event in events if chunks.stop(event) is not None]
    if not stops:
        yield answer.violation("The stream does not say why it stopped.")
        return
    for event in stops:
        if chunks.stop(event) not in chunks.form.reasons:
            yield answer.violation(f"The stream stops for the reason {chunks.stop(event)!r}.", event)
    if len(stops) > 1:
        yield answer.violation(f"The stream says {len(stops)} times why it stopped.", stops[1])
    for event in events:
        if event.index > stops[-1].index and chunks.more(event):
            yield answer.violation("A chunk came after the one that says why the stream stopped.", event)
            return


def _nova(chunks: Chunks) -> Iterator[Step]:
    """Nova's chunks as the events of Converse's that they wrap."""
    for event in chunks.events:
        for name in event.data:
            if not name.startswith(_OWN):
                yield name, event.data[name], event


@contract(
    "bedrock.invoke-stream-order",
    select=_chunks(lambda form: form is FORMS[_NOVA]),
    source=f"{GUIDE}: Nova; {ORDER}; every recorded stream",
    subject=Subject.PROVIDER,
    breakers=(
        "bedrock-nova-only-metrics",
        "bedrock-nova-no-start",
        "bedrock-nova-no-stop",
        "bedrock-nova-no-last",
        "bedrock-nova-stop-first",
        "bedrock-nova-second-stop",
    ),
)
def invoke_stream_order(chunks: Chunks, _recording: Recording) -> Findings:
    """Nova's chunks are events in order: `messageStart`, the content blocks, `messageStop`, `metadata`.

    They are Converse's, and clients read them the same way: `messageStop` is the message's end.
    """
    yield from out_of_order(chunks.answer, _nova(chunks))


@contract(
    "bedrock.invoke-blocks-closed",
    select=_chunks(lambda form: form is FORMS[_NOVA], whole=True),
    source=f"{GUIDE}: Nova; every recorded stream",
    subject=Subject.PROVIDER,
    breakers=("bedrock-nova-block-open", "bedrock-nova-delta-after-block"),
)
def invoke_blocks_closed(chunks: Chunks, _recording: Recording) -> Findings:
    """Each content block in Nova's chunks is closed once, and no delta comes for it afterwards.

    A client hands a block on, a tool call for example, when it is closed. (Each piece of text is a block of its own.)
    """
    yield from left_open(chunks.answer, _nova(chunks))


@contract(
    "bedrock.invoke-stream-words",
    select=_chunks(lambda form: form.all_words),
    source=f"{GUIDE}: Titan text, Llama, Mistral",
    subject=Subject.PROVIDER,
    breakers=("bedrock-titan-no-words", "bedrock-llama-no-words"),
)
def invoke_stream_words(chunks: Chunks, _recording: Recording) -> Findings:
    """Each chunk of Titan, Llama or Mistral has its piece of the text where the family has it.

    Titan's are in `outputText`, Llama's in `generation`, Mistral's in `outputs[].text`: clients join what is there.
    """
    for event in chunks.events:
        if chunks.more(event) and not isinstance(chunks.words(event), str):
            yield chunks.answer.violation("A chunk has no words where its family has them.", event)


@contract(
    "bedrock.invoke-stream-not-empty",
    select=_chunks(lambda form: bool(form.words), whole=True),
    source="house: who pays for tokens has words for them; every recorded stream",
    subject=Subject.PROVIDER,
    level=Level.SHOULD,
    breakers=("bedrock-titan-only-metrics", "bedrock-llama-only-metrics"),
)
def invoke_stream_not_empty(chunks: Chunks, _recording: Recording) -> Findings:
    """A stream of a family that answers in words has some where its metrics count tokens that were made.

    One that lost its chunks on the way still ends well. (One token may be the end itself, which has no words.)
    """
    text = "".join(word for event in chunks.events if isinstance(word := chunks.words(event), str))
    counts = [event.data[METRICS] for event in chunks.events if isinstance(event.data.get(METRICS), dict)]
    made = counts[-1].get("outputTokenCount") if counts else None
    if not text and isinstance(made, int) and made > 1:
        yield chunks.answer.violation(f"{made} tokens were made, and the stream has no words.")
