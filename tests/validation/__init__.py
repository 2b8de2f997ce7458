"""Tests against other programs and against theory."""
