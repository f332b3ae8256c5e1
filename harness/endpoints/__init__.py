"""Typed aiohttp clients over the systems' routes, one module per system."""
