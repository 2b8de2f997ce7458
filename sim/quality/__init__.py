"""How good a call is for people: published models of opinion. Pure NumPy, knows no network."""
