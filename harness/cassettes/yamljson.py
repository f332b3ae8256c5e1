"""One line of text that is JSON and YAML at once, whichever parser reads it.

Flow-style JSON is YAML but for a few characters: YAML folds or refuses C1 controls, DEL, NEL, the Unicode line ends,
the byte order mark and two non-characters, and refuses ``\\u`` escapes of surrogates, which is how JSON may write what
is beyond the basic plane. So the former are escaped, the latter are written as they are, and lone surrogates, for
which YAML has no spelling at all, are replaced (``interaction`` keeps the original beside them). Floats are spelled
differently by the two, so there are none in a line.
"""

from __future__ import annotations

import json
import re
from typing import Any

_TROUBLE = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
_LONE = re.compile("[\ud800-\udfff]")

BINARY = {'"base64": "': '"string": !!binary "', '"body64": "': '"body": !!binary "'}
"""Bytes that are no text: our key, as JSON has it, and YAML's spelling, which vcrpy reads.

Neither can stand inside a JSON string, where every quote has a backslash, so one may be replaced by the other."""


def dumps(value: Any) -> str:
    """The line, without its end. Strings hold no lone surrogates (see ``plain``)."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    line = _TROUBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
    for ours, yaml in BINARY.items():
        line = line.replace(ours, yaml)
    return line


def as_json(line: bytes) -> bytes:
    """A line as JSON: bytes are given as base64 under a key of ours."""
    if b"!!binary" in line:
        for ours, yaml in BINARY.items():
            line = line.replace(yaml.encode(), ours.encode())
    return line


def plain(text: str) -> str:
    """The text with a replacement character for each lone surrogate."""
    return _LONE.sub("\ufffd", text)
