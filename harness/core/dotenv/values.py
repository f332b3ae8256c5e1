"""Rules about what a value is: a placeholder, somebody's secret, a port, an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .model import Problem, Setting, Severity
from .names import holds_plain, holds_secret, mask, owner_of_key, owner_of_value, sent_to_browsers, shown

_PLACEHOLDER = re.compile(
    r"""
      (?:insert|replace|put|add|enter|paste|set)[-_ ](?:your|the|this|me|with|it|here)\b.*
    | (?:.*(?://|[:@<]))?your[-_ ].*
    | .*change[-_ ]?(?:me|this|it)
    | .*[-_ ]goes[-_ ]here | .*(?:key|token|secret|password)[-_ ]here
    | <[^<>]*> | \{\{.*\}\} | \[(?:your|insert)[^\]]*\]
    | (?:[A-Za-z0-9]{1,6}[-_])*(?:[xX]{3,}|\*{3,}|\.{3,}|\u2026)[xX.*-]*
    | (?:sk-|gsk_|hf_|AIza)(?:(?:proj|ant|or)-)?(?:your.*|[xX*.\u2026]*)
    | todo | fixme | tbd | tba | placeholder
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"none|null|nil|undefined|n/a|dummy|example|test|my[-_]?(?:api[-_]?)?(?:key|secret|token)", re.IGNORECASE
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
_LONGEST = 200  # of a placeholder
_PORTS = range(1, 65_536)


def placeholder(setting: Setting) -> Iterator[Problem]:
    """What stood in the example and was to be replaced."""
    secret = holds_secret(setting.key)
    value = setting.value.strip()
    if 0 < len(value) <= _LONGEST and (_PLACEHOLDER.fullmatch(value) or (secret and _NO_SECRET.fullmatch(value))):
        level = Severity.ERROR if secret else Severity.WARNING
        mend = "Put the real value in its place, or take the line out"
        yield Problem(setting.line, shown(setting.key), "still holds a placeholder", mend, level)


def empty_secret(setting: Setting) -> Iterator[Problem]:
    """A secret that was never filled in; it may be one that is not needed."""
    if holds_secret(setting.key) and not setting.value.strip():
        what, mend = "is empty where a secret is expected", "Fill it in, or take the line out if it is not needed"
        yield Problem(setting.line, shown(setting.key), what, mend, Severity.WARNING)


def misplaced_secret(setting: Setting, redirected: bool) -> Iterator[Problem]:
    """A secret in a variable that is for another one's, or for none.

    ``redirected``: OpenAI's client is pointed at another place, so that its key may be anybody's.
    """
    key, value = setting.key, setting.value.strip()
    owner, wanted = owner_of_value(value), owner_of_key(key)
    if owner is None:
        return
    looks = f"holds what looks like a secret of {owner} ({mask(value)})"
    revoke = "and replace the secret if the file was ever shared"
    if sent_to_browsers(key):
        what = f"{looks}, and build tools put such a setting into pages that anybody can read"
        yield Problem(setting.line, shown(key), what, f"Keep it on the server under another name, {revoke}")
    elif holds_plain(key):
        yield Problem(setting.line, shown(key), f"{looks}, which does not belong here", f"Move it to its own, {revoke}")
    elif wanted not in (None, owner) and not (wanted == "OpenAI" and redirected):
        mend = f"Put a secret of {wanted} here, and this one into the variable of {owner}"
        yield Problem(setting.line, shown(key), looks, mend)


def port(setting: Setting) -> Iterator[Problem]:
    """A port that nothing can listen on."""
    value = setting.value.strip()
    if setting.key.upper().split("_")[-1] != "PORT":
        return
    if not value:
        yield Problem(setting.line, shown(setting.key), "is empty", "Give a number from 1 to 65535", Severity.WARNING)
    elif not (value.isascii() and value.isdigit()):
        yield Problem(setting.line, shown(setting.key), "is no number", "Give a number from 1 to 65535")
    elif len(value.lstrip("0")) > len("65535") or int(value) not in _PORTS:
        yield Problem(setting.line, shown(setting.key), "is no port", "Give a number from 1 to 65535")


def url(setting: Setting) -> Iterator[Problem]:
    """An address without its scheme; a path of its own site is one too."""
    kind = setting.key.upper().split("_")[-1]
    value = setting.value.strip()
    if kind not in ("URL", "URI", "ENDPOINT") or not value or value.startswith("/") or _SCHEME.match(value):
        return
    if len(value) <= _LONGEST and _PLACEHOLDER.fullmatch(value):
        return
    level = Severity.WARNING if kind == "ENDPOINT" else Severity.ERROR
    mend = "Begin it with one, for example https://"
    yield Problem(setting.line, shown(setting.key), "is an address without a scheme", mend, level)
