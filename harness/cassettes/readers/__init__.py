"""Readers of other recorders' files. ``detect`` tells the formats apart; a format is one module with one entry."""

from .base import Foreign, Format, Sample
from .formats import FORMATS, detect, load, sample

__all__ = ["FORMATS", "Foreign", "Format", "Sample", "detect", "load", "sample"]
