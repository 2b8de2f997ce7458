"""A run held against its baseline: what is kept, what counts as worse, and how it is said."""
