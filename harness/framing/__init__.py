"""Bytes to events and back, sans-IO: one codec serves client, simulator and judge."""
