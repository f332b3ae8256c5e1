"""The five API families as data: routes, messages, error codes, transition tables. Pure."""
