"""The reference engine: the data plane as one would explain it, on SimPy."""
