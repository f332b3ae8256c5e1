"""What stands in for a provider: the simulator, a cassette played, a recording proxy."""
