"""Recording and playing back: the tap, the recorder, the cassette file, redaction, playback."""
