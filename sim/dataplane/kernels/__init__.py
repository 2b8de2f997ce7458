"""Kernels: compiled loops over integer arrays, and the arrays they share."""
