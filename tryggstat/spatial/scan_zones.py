"""The windows of a scan: circles and ellipses that grow around every place."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]

EARTH = 6367.0  # km, as in SaTScan
TIE = 1e-12  # squared distances that differ less, relatively, are equal
ROWS = 64  # centres in one piece of work
ANGLES = {1.5: 4, 2.0: 6, 3.0: 9, 4.0: 12, 5.0: 15}  # directions per shape
RIGHT = 90.0  # degrees; the directions are spread over the half turn from here


@dataclass(frozen=True)
class Zones:
    """
    Windows of growing size around every place: geography and population, no cases.

    Window number k of list z holds the places `member[start[z]:start[z] + k]`. Areas
    with the same coordinates are one place, as in SaTScan.
    """

    start: NDArray[np.int64]
    member: NDArray[np.int32]
    place: Whole  # of each area
    points: Floats = field(repr=False)  # of each place: plane, or on the unit sphere
    centre: Whole  # of each list, a place
    shape: Floats  # of each list: long axis by short axis
    angle: Floats  # of each list: long axis from the x axis, degrees
    great_circle: bool = False

    def radius(self, zone: int, size: int) -> float:
        """Return how far a window reaches: km on the globe, its short half axis."""
        ends = self.points[
            [self.centre[zone], self.member[self.start[zone] + size - 1]]
        ]
        if self.great_circle:
            chord = float(np.linalg.norm(ends[1] - ends[0]))
            return float(2 * EARTH * np.arcsin(min(1.0, chord / 2)))
        flat = _squeezed(ends, self.shape[zone], self.angle[zone])
        return float(np.linalg.norm(flat[1] - flat[0]))


def circles(
    x: ArrayLike,
    y: ArrayLike,
    population: ArrayLike,
    *,
    max_share: float = 0.5,
    great_circle: bool = False,
    pool: Executor | None = None,
) -> Zones:
    """
    Return circular windows around every area, up to a share of the population.

    Parameters
    ----------
    x, y : array, shape (n_areas,)
        Coordinates in a plane; longitude and latitude in degrees for the great circle.
    population : array, shape (n_areas,)
        People at risk (or expected cases, or cases and controls together).
    max_share : float, default 0.5
        The largest share of the population in a window.
    great_circle : bool, default False
        Measure on a globe with radius 6,367 km.
    pool : concurrent.futures.Executor, optional
        Threads that share the work; the answer is the same.

    Returns
    -------
    Zones
        Can be used for any number of scans with the same places and limit.

    Raises
    ------
    ValueError
        Lengths differ, a number is not finite or negative, or the share is not above 0
        and at most 1.

    Notes
    -----
    Places enter a window by their distance from its centre; of equally distant ones
    the one with the smaller x enters first, then the one with the smaller y. Windows
    stop before the first place that would bring the population above the limit.

    References
    ----------
    Kulldorff (1997), A spatial scan statistic. Communications in Statistics: Theory
    and Methods 26(6).

    Examples
    --------
    >>> zones = circles([0, 1, 3], [0, 0, 0], [10, 10, 10], max_share=0.7)
    >>> [zones.member[a:b].tolist() for a, b in zip(zones.start, zones.start[1:])]
    [[0, 1], [1, 0], [2, 1]]
    """
    return _zones(x, y, population, max_share, great_circle, [(1.0, 0.0)], pool)


def ellipses(
    x: ArrayLike,
    y: ArrayLike,
    population: ArrayLike,
    *,
    max_share: float = 0.5,
    pool: Executor | None = None,
) -> Zones:
    """
    Return circular and elliptic windows around every area.

    Parameters
    ----------
    x, y : array, shape (n_areas,)
        Coordinates in a plane.
    population : array, shape (n_areas,)
        People at risk.
    max_share : float, default 0.5
        The largest share of the population in a window.
    pool : concurrent.futures.Executor, optional
        Threads that share the work.

    Returns
    -------
    Zones
        47 lists for every place.

    Raises
    ------
    ValueError
        As for `circles`.

    Notes
    -----
    The long axis is 1, 1.5, 2, 3, 4 and 5 times the short one, in 1, 4, 6, 9, 12 and 15
    directions, evenly spread over a half turn.

    References
    ----------
    Kulldorff, Huang, Pickle and Duczmal (2006), An elliptic spatial scan statistic.
    Statistics in Medicine 25(22).

    Examples
    --------
    >>> zones = ellipses([0, 1, 3], [0, 0, 0], [10, 10, 10], max_share=0.7)
    >>> len(zones.start) - 1
    141
    """
    forms = [(1.0, 0.0)] + [
        (shape, RIGHT + k * 180 / number)
        for shape, number in ANGLES.items()
        for k in range(number)
    ]
    return _zones(x, y, population, max_share, False, forms, pool)


def _squeezed(points: Floats, shape: float, angle: float) -> Floats:
    """Return coordinates in which an ellipse is a circle with its short half axis."""
    if shape == 1:
        return points
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    along = points @ np.array([cos, sin]) / shape
    return np.column_stack([along, points @ np.array([-sin, cos])])


def _zones(
    x: ArrayLike,
    y: ArrayLike,
    population: ArrayLike,
    max_share: float,
    great_circle: bool,
    forms: list[tuple[float, float]],
    pool: Executor | None,
) -> Zones:
    where = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
    people = np.asarray(population, float)
    if people.shape != where.shape[:1]:
        raise ValueError("x, y and population must be as long as each other")
    if not (np.isfinite(where).all() and np.isfinite(people).all()):
        raise ValueError("coordinates and population must be finite numbers")
    if (people < 0).any() or not people.sum() > 0:
        raise ValueError("the population must be 0 or more, and not 0 everywhere")
    if not 0 < max_share <= 1:
        raise ValueError("max_share must be above 0 and at most 1")
    if great_circle and (np.abs(where[:, 1]) > 90).any():
        raise ValueError("a latitude is beyond 90 degrees")
    # sorted by x, then y: the number of a place breaks ties in distance
    places, first, place = np.unique(
        where, axis=0, return_index=True, return_inverse=True
    )
    place = place.ravel()
    people = np.bincount(place, people, len(places)).astype(float)
    if great_circle:
        lon, lat = np.radians(places).T
        places = np.column_stack(
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        )
    limit = max_share * people.sum() * (1 + 1e-12)
    guess = min(len(places), int(1.25 * max_share * len(places)) + 32)
    centres = np.argsort(first)  # in the table's order
    blocks = [centres[a : a + ROWS] for a in range(0, len(places), ROWS)]
    found: list[NDArray[np.int32]] = []
    for form in forms:
        flat = _squeezed(places, *form)
        work = partial(_nearest, points=flat, people=people, limit=limit, guess=guess)
        for lists in (pool.map if pool else map)(work, blocks):
            found += lists
    return Zones(
        start=np.concatenate([[0], np.cumsum([len(one) for one in found])]),
        member=np.concatenate(found),
        place=place,
        points=places,
        centre=np.tile(centres, len(forms)),
        shape=np.repeat([shape for shape, _ in forms], len(places)),
        angle=np.repeat([angle for _, angle in forms], len(places)),
        great_circle=great_circle,
    )


def _nearest(
    centres: Whole, points: Floats, people: Floats, limit: float, guess: int
) -> list[NDArray[np.int32]]:
    """Return for each centre the places by distance, while the population allows."""
    squared = np.zeros((len(centres), len(points)))
    for axis in points.T:
        squared += np.square(axis[centres, None] - axis)
    return [_within(row, people, limit, guess) for row in squared]


def _within(
    squared: Floats, people: Floats, limit: float, guess: int
) -> NDArray[np.int32]:
    if guess < squared.size:
        near = np.flatnonzero(squared <= np.partition(squared, guess)[guess])
        if people[near].sum() <= limit:
            return _within(squared, people, limit, min(squared.size, 2 * guess))
    else:
        near = np.arange(squared.size)
    distance = squared[near]
    order = np.argsort(distance)
    distance = distance[order]
    apart = np.diff(distance) > TIE * distance[1:]
    if not apart.all():
        rank = np.concatenate([[0], np.cumsum(apart)])
        order = order[np.lexsort([near[order], rank])]
    near = near[order]
    inside = int(np.searchsorted(np.cumsum(people[near]), limit, side="right"))
    return near[:inside].astype(np.int32)
