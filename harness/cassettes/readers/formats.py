"""Telling formats apart by their content, never by their name."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import CassetteError, CassetteLimit

from . import body_only, go_vcr, har, httprr, nock, ruby_vcr, vcrpy, wiremock
from .base import Format, Sample
from .bodies import GZIP_BITS, inflate
from .documents import MAX_BYTES

FORMATS: tuple[Format, ...] = (
    vcrpy.FORMAT,
    httprr.FORMAT,
    ruby_vcr.FORMAT,
    har.FORMAT,
    nock.FORMAT,
    go_vcr.FORMAT,
    wiremock.FORMAT,
    body_only.FORMAT,
)
"""Every format that is read, in the order they are tried."""

_GZIP = b"\x1f\x8b"


def sample(name: str, data: bytes, path: Path | None = None) -> Sample:
    """A file's bytes, unpacked where they are gzip, ready to be looked at.

    Raises:
        CassetteError: the gzip data is broken.
        CassetteLimit: larger than is read.
    """
    if len(data) > MAX_BYTES:
        raise CassetteLimit(f"larger than {MAX_BYTES >> 20} MiB", where=name)
    if data[:2] == _GZIP:
        try:
            data = inflate(data, GZIP_BITS)
        except CassetteError as why:
            kind = CassetteLimit if isinstance(why, CassetteLimit) else CassetteError
            raise kind(why.what, where=name) from why
    return Sample(name, data, path)


def load(path: Path) -> Sample:
    """A file, read and unpacked.

    Raises:
        CassetteError: it cannot be read, or its gzip data is broken.
        CassetteLimit: larger than is read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CassetteLimit(f"larger than {MAX_BYTES >> 20} MiB", where=str(path))
        data = path.read_bytes()
    except OSError as wrong:
        raise CassetteError(f"cannot be read: {wrong.strerror or wrong}", where=str(path)) from wrong
    return sample(str(path), data, path)


def detect(file: Sample) -> Format | None:
    """The format of a file, or None where it is no recording in any format that is known."""
    return next((known for known in FORMATS if known.looks_like(file)), None)
