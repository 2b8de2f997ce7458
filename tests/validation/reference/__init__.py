"""Reference values, in JSON files beside this one; see README.md there."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@cache
def cases(topic: str) -> dict[str, dict[str, Any]]:
    """Return the cases of one file by their ids."""
    text = (HERE / f"{topic}.json").read_text(encoding="utf-8")
    return {case["id"]: case for case in json.loads(text)["cases"]}


def expected(topic: str, case: str, quantity: str) -> float:
    """Return one reference value."""
    return float(cases(topic)[case]["expected"][quantity])
