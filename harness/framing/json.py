"""JSON as RFC 8259 has it, read strictly, and read leniently for judges who must see what a bad provider sent.

msgspec does the work; the standard library takes over for the little that is valid and msgspec refuses (an escaped
surrogate that stands alone, for example).
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec

from harness.core.errors import DecodeError
from harness.core.recording import Json


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{digits[:40]} is too large for a number")
    return number


_fast = msgspec.json.Decoder().decode
_strict = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).decode
_lenient = json.JSONDecoder().decode


def loads(data: bytes | str) -> Json:
    """The value of one JSON document; bytes are UTF-8 without a byte order mark.

    Raises:
        DecodeError: not JSON (``NaN`` and ``Infinity`` are not), a number that no float or int can hold, or
            nested deeper than the interpreter can go.
    """
    try:
        return _fast(data)
    except ValueError:  # every complaint of msgspec's, about UTF-8 too
        pass
    except RecursionError:
        raise DecodeError("JSON is nested too deeply") from None
    try:
        return _checked(_strict, data if isinstance(data, str) else data.decode())
    except UnicodeDecodeError as wrong:
        raise DecodeError(f"not UTF-8 at byte {wrong.start}") from None


def lenient(data: bytes | str) -> Json:
    """As ``loads``, but takes ``NaN``, ``Infinity``, numbers beyond a float's range and invalid UTF-8 (U+FFFD).

    Raises:
        DecodeError: not JSON by these rules either, or nested too deeply.
    """
    try:
        return _fast(data)
    except ValueError:
        pass
    except RecursionError:
        raise DecodeError("JSON is nested too deeply") from None
    return _checked(_lenient, data if isinstance(data, str) else data.decode("utf-8", "replace"))


def _checked(decode: Any, text: str) -> Json:
    try:
        return decode(text)
    except ValueError as wrong:
        raise DecodeError(f"not JSON: {wrong}") from None
    except RecursionError:
        raise DecodeError("JSON is nested too deeply") from None
