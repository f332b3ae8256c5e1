"""The ways in which an answer can deviate from the healthy one, each by itself: what faults are put together from."""

from __future__ import annotations

from enum import StrEnum


class Reach(StrEnum):
    """Whether the provider's address can be reached."""

    OK = "ok"
    REFUSED = "refused"
    NO_HOST = "no-host"


class Body(StrEnum):
    """What stands in the place of the answer's body."""

    ANSWER = "answer"
    NOT_JSON = "not-json"
    EMPTY = "empty"
    NO_CHOICES = "no-choices"  # the answer, with an empty list of choices
    JSON_ON_STREAM = "json-on-stream"  # a stream was asked for, one JSON document is the answer


class Insert(StrEnum):
    """What a stream holds at the fault's point that it should not."""

    ERROR_EVENT = "error-event"  # the provider's own form of an error in band; the stream ends there
    ERROR_CHUNK = "error-chunk"  # an error inside an ordinary chunk; the stream ends there
    MALFORMED = "malformed"  # an event that is not JSON; the stream goes on


class Damage(StrEnum):
    """How the binary frame that is inserted is spoilt."""

    NONE = "none"  # it is sound; what is in it is not
    CRC = "crc"
    PRELUDE_CRC = "prelude-crc"  # so its length cannot be believed, nor where the next one begins
    HALF = "half"  # it stops in the middle


class Then(StrEnum):
    """What the connection does at the fault's point."""

    GO_ON = "go-on"
    RESET = "reset"  # TCP reset
    CUT = "cut"  # HTTP ends cleanly, the stream's own terminal never comes
    STALL = "stall"  # nothing more, connection open until the peer leaves


class Usage(StrEnum):
    """What the answer says of the tokens used."""

    TRUE = "true"
    ABSENT = "absent"
    ZERO = "zero"
    NEGATIVE = "negative"
    HUGE = "huge"
    NOT_A_NUMBER = "not-a-number"


class Done(StrEnum):
    """How the stream's terminal comes."""

    ONCE = "once"
    NEVER = "never"  # the answer is complete, the terminal is missing
    TWICE = "twice"
    EARLY = "early"  # once, and a further content event after it


class Writes(StrEnum):
    """How the bytes of a stream are cut into writes."""

    EVENTS = "events"  # one write an event
    ONE_BYTE = "one-byte"
    COALESCED = "coalesced"  # everything in one write
    SPLIT_UTF8 = "split-utf8"  # cut inside every character that has more than one byte


class Polled(StrEnum):
    """What those find who ask again and again whether an answer is there."""

    ANSWER = "answer"
    NOTHING = "nothing"  # only what they said themselves
    OTHER_BLOCK = "other-block"  # the answer, in a block of a type that holds none
    TEXT_BLOCK = "text-block"  # the answer, in a block of the other type that may hold it
    NOT_JSON = "not-json"  # words where a JSON document was agreed on
    NO_KEY = "no-key"  # the JSON document, under another key
