"""Running systems under test: profiles read, targets launched (embedded, command, URL) and probed."""
