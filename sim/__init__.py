"""Rehearse a very large meeting packet by packet, over a tree of relays."""

__version__ = "0.1.0"
