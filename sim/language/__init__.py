"""Languages in which results are shown; messages about wrong input stay English."""
