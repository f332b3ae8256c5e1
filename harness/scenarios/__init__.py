"""What drives a target through its endpoints; asserts nothing. One module per system."""
