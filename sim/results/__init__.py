"""The results of a run and the folder they are written to."""
