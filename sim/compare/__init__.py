"""A run held against its baseline: what got worse, by how much, and where."""
