"""What a run leaves behind: stores and frames."""
