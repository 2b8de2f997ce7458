"""Languages: every text that is said is in the catalogue, and nothing else is."""
