"""The network room: a scenario's sites and lines as arrays."""
