"""Propagation from geography: great-circle distance, a route factor, and time per km."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from sim.scenario.model import Site

EARTH_RADIUS_KM = 6371.0088  # mean radius R1 of GRS 80, as published by the IUGG


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How far and how fast cables go.

    Attributes
    ----------
    factor : length of a route over the great-circle distance
    per_km_ns : propagation time, ns per km of route
    """

    factor: float
    per_km_ns: int

    def propagation_ns(self, a: Site, b: Site) -> int:
        """Return the time from one site to the other, ns, rounded to the nearest.

        Raises
        ------
        ValueError
            If one of the sites has no position.
        """
        km = distance_km(a.latitude, a.longitude, b.latitude, b.longitude)
        return round(km * self.factor * self.per_km_ns)


def distance_km(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the great-circle distance between two points in degrees, km.

    Source
    ------
    Haversine formula (Sinnott, "Virtues of the haversine", Sky and Telescope 68, 1984).

    Examples
    --------
    Hà Nội to Thành phố Hồ Chí Minh:

    >>> round(distance_km(21.0278, 105.8342, 10.7769, 106.7009), 1)
    1143.6
    """
    # cos and sin differ by an ulp between machines: a 1e-16 part of a time rounded to the ns.
    half_lat = sin(radians(lat_b - lat_a) / 2)
    half_lon = sin(radians(lon_b - lon_a) / 2)
    root = half_lat**2 + cos(radians(lat_a)) * cos(radians(lat_b)) * half_lon**2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(root)))
