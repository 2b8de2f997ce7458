"""Kernels: compiled loops that make the packets of sources, and the arrays they share."""
