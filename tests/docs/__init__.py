"""Tests of what the repository says of itself: documents, shipped scenarios, data."""
