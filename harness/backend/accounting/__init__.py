"""The service beside chat: credits checked, held, and settled or released, for one stream at a time of a session."""
