"""Which program this is: a hash of every source file that a result may depend on.

A version number would not do: between two releases the same one stands for many programs.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path

# What shows results makes none.
SHOWING = ("cli", "report", "plots", "language")


@cache
def program_digest() -> str:
    """Return the hash, hexadecimal."""
    home = Path(__file__).parents[1]
    digest = blake2b(digest_size=16)
    for source in sorted(home.rglob("*.py")):
        name = source.relative_to(home)
        if name.parts[0] not in SHOWING:
            for part in (name.as_posix().encode(), source.read_bytes()):
                digest.update(len(part).to_bytes(8, "little"))
                digest.update(part)
    return digest.hexdigest()
