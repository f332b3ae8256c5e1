"""Finding the answer among a session's messages, and the programme in the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from harness.backend.bodies import BadBody, decode_json
from harness.backend.upstream import Kind, UpstreamError

KEY = "client_training_program_enriched"
PARTS: Mapping[str, type] = MappingProxyType({"title": str, "sessions": list})
"""What a programme is made of."""
ANSWER_BLOCKS = frozenset({"output_text", "text"})


class AnswerReader:
    """Reads what ChatKit says. Messages come from outside: whatever their shape, none makes it fail by itself."""

    def find(self, messages: Sequence[Mapping[str, Any]]) -> str | None:
        """The text of the newest answer, in messages that come newest first; None where there is none yet."""
        for message in messages:
            if self.speaks(message):
                for block in self.blocks(message):
                    if self.holds_answer(block):
                        return str(block["text"])
        return None

    def speaks(self, message: Mapping[str, Any]) -> bool:
        """Whether a message is the assistant's."""
        return message.get("role") == "assistant"

    def blocks(self, message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The blocks of a message that hold a text."""
        content = message.get("content")
        blocks = content if isinstance(content, list) else []
        return [block for block in blocks if isinstance(block, dict) and isinstance(block.get("text"), str)]

    def holds_answer(self, block: Mapping[str, Any]) -> bool:
        """Whether a block is of a type that holds answers."""
        return block.get("type") in ANSWER_BLOCKS

    def programme(self, text: str) -> dict[str, Any]:
        """The programme in an answer's text, with its title and its sessions. Raises UpstreamError where it has none.

        Clients are promised all three: what lacks one cannot be delivered.
        """
        try:
            document = decode_json(text.encode("utf-8", "surrogatepass"))
        except BadBody as wrong:
            raise UpstreamError(Kind.INVALID, "the provider's answer is not JSON") from wrong
        programme = self.pick(document)
        if not isinstance(programme, dict):
            raise UpstreamError(Kind.INVALID, f"the provider's answer has no {KEY}")
        lacking = self.lacking(programme)
        if lacking:
            raise UpstreamError(Kind.INVALID, f"the provider's programme has no {' and no '.join(lacking)}")
        return programme

    def lacking(self, programme: dict[str, Any]) -> list[str]:
        """What a programme should have, and has not, or not of its kind."""
        return [name for name, kind in PARTS.items() if not isinstance(programme.get(name), kind)]

    def pick(self, document: Any) -> Any:
        """What stands under the key."""
        return document.get(KEY) if isinstance(document, dict) else None
