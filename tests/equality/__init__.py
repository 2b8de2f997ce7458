"""Both engines mean the same: by hand on tiny trees, and packet for packet on random ones."""
