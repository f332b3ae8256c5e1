"""Answers in OpenAI's form, made of what another protocol said. What was not said is not in them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def completion(
    *,
    id: Any,
    model: Any,
    texts: Sequence[str],
    calls: Sequence[Json] = (),
    finish_reason: str | None,
    usage: Json | None,
    empty: bool,
) -> Json:
    """A whole answer; ``empty``: there was no content in it at all, so it has no choice either."""
    message: Json = {"role": "assistant", "content": "".join(texts) if texts else None}
    if calls:
        message["tool_calls"] = list(calls)
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {
        "id": id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [] if empty else [choice],
        **_told(usage),
    }


def called(id: Any, name: Any, arguments: Any) -> Json:
    """A call of a tool in a whole answer."""
    text = json.dumps({} if arguments is None else arguments, ensure_ascii=False)
    return {"id": id, "type": "function", "function": {"name": name, "arguments": text}}


def usage_of(given: Any, made: Any) -> Json:
    """Tokens in and out, as the provider said them, whatever they are."""
    return {"prompt_tokens": given, "completion_tokens": made}


class ChunkMaker:
    """Makes the chunks of one streamed answer. ``begun`` is whether any content came."""

    def __init__(self, *, id: Any = None, model: Any = None) -> None:
        self.begun = False
        self._head: Json = {"id": id, "object": "chat.completion.chunk", "created": int(time.time()), "model": model}
        self._tools: dict[Any, int] = {}

    def name(self, id: Any, model: Any) -> None:
        """What the provider calls the answer and the model."""
        self._head |= {"id": id, "model": model}

    def begin(self) -> list[Json]:
        """The assistant begins to speak: said once."""
        if self.begun:
            return []
        self.begun = True
        return [self._chunk({"role": "assistant", "content": ""})]

    def words(self, text: str) -> list[Json]:
        """Some of the words."""
        return [*self.begin(), *([self._chunk({"content": text})] if text else [])]

    def tool(self, key: Any, id: Any, name: Any, arguments: str = "") -> list[Json]:
        """A call of a tool begins; ``key`` is what its arguments come under."""
        number = self._tools.setdefault(key, len(self._tools))
        function = {"name": name, "arguments": arguments}
        call = {"index": number, "id": id, "type": "function", "function": function}
        return [*self.begin(), self._chunk({"tool_calls": [call]})]

    def arguments(self, key: Any, text: str) -> list[Json]:
        """More of a tool call's arguments; none where no call has begun under this key."""
        if key not in self._tools:
            return []
        return [self._chunk({"tool_calls": [{"index": self._tools[key], "function": {"arguments": text}}]})]

    def finish(self, reason: str) -> list[Json]:
        """Why the answer ends."""
        return [self._chunk({}, reason)]

    def counts(self, usage: Json | None) -> list[Json]:
        """The last chunk, with the tokens; none where nothing was said of them."""
        return [{**self._head, "choices": [], **_told(usage)}] if usage is not None else []

    def _chunk(self, delta: Mapping[str, Any], reason: str | None = None) -> Json:
        return {**self._head, "choices": [{"index": 0, "delta": dict(delta), "finish_reason": reason}]}


def _told(usage: Json | None) -> Json:
    return {} if usage is None else {"usage": usage}
