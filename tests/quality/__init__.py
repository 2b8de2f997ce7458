"""Tests of the quality models: against reference values, and that each could fail."""
