"""How hard Hypothesis looks: `HYPOTHESIS_PROFILE` is `quick` (default), `ci` or `thorough`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline: the first example compiles kernels. Examples are whole meetings, so slow to draw.
settings.register_profile(
    "quick",
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("ci", settings.get_profile("quick"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
