"""Which areas are neighbours, and how much each neighbour weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from shapely import Geometry

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]

EARTH = 6_371_008.8  # metres, mean radius


@dataclass(frozen=True, eq=False)
class Neighbours:
    """
    The neighbours of each area, as compressed rows.

    Made by `contiguity`, `nearest`, `within_distance` and `neighbour_pairs`.

    Attributes
    ----------
    start : array of int, shape (n + 1,)
        The neighbours of area i stand at places start[i] to start[i + 1] - 1.
    neighbour : array of int
        The neighbours, in rising order for each area; never the area itself.
    weight : array of float
        The weight of each neighbour, above 0.

    Examples
    --------
    >>> row = neighbour_pairs([0, 1, 1, 2], [1, 0, 2, 1], 4)  # 0 - 1 - 2, and 3
    >>> row.counts.tolist(), row.islands.tolist()
    ([1, 2, 1, 0], [3])
    >>> row.row_standardised().lag([1, 2, 3, 4]).tolist()
    [2.0, 2.0, 2.0, 0.0]
    """

    start: Whole
    neighbour: Whole
    weight: Floats

    @property
    def size(self) -> int:
        """Return the number of areas."""
        return self.start.size - 1

    @cached_property
    def counts(self) -> Whole:
        """Return the number of neighbours of each area."""
        return np.diff(self.start)

    @cached_property
    def focal(self) -> Whole:
        """Return the area whose neighbour stands at each place."""
        return np.repeat(np.arange(self.size), self.counts)

    @cached_property
    def islands(self) -> Whole:
        """Return the areas without neighbours."""
        return np.flatnonzero(self.counts == 0)

    @cached_property
    def row_sums(self) -> Floats:
        """Return the sum of the weights of each area's neighbours."""
        return self.add_up(self.weight)

    @cached_property
    def row_squares(self) -> Floats:
        """Return the sum of the squared weights of each area's neighbours."""
        return self.add_up(self.weight**2)

    @cached_property
    def totals(self) -> tuple[float, float, float]:
        """Return S0, S1 and S2 of Cliff and Ord (1981)."""
        n = self.size
        place = self.focal * n + self.neighbour
        mirror = self.neighbour * n + self.focal
        at = np.minimum(np.searchsorted(place, mirror), max(place.size - 1, 0))
        both = np.where(place[at] == mirror, self.weight[at], 0) if at.size else at
        columns = np.bincount(self.neighbour, self.weight, n)
        return (
            float(self.weight.sum()),
            float((self.weight**2).sum() + (self.weight * both).sum()),
            float(((self.row_sums + columns) ** 2).sum()),
        )

    def add_up(self, terms: Floats) -> Floats:
        """Return the sum over each area's neighbours of terms in their order."""
        return np.asarray(np.bincount(self.focal, terms, self.size), dtype=float)

    def lag(self, values: ArrayLike) -> Floats:
        """Return the weighted sum of each area's neighbours, 0 for an island."""
        return self.add_up(
            self.weight * np.asarray(values, dtype=float)[self.neighbour]
        )

    def row_standardised(self) -> Neighbours:
        """Return the same neighbours with weights that sum to 1 for each area."""
        share = self.weight / self.row_sums[self.focal]
        return Neighbours(self.start, self.neighbour, share)

    def with_self(self) -> Neighbours:
        """
        Return them with each area its own neighbour as well, for `local_getis_ord`.

        An area gets the largest weight among its neighbours, an island 1.
        """
        own = np.zeros(self.size)
        np.maximum.at(own, self.focal, self.weight)
        own[own == 0] = 1
        every = np.arange(self.size)
        return _compressed(
            np.append(self.focal, every),
            np.append(self.neighbour, every),
            np.append(self.weight, own),
            self.size,
        )

    def among(self, kept: ArrayLike) -> Neighbours:
        """Return the neighbours among the areas kept (bool, shape (n,)), renumbered."""
        mask = np.asarray(kept, dtype=bool)
        number = np.cumsum(mask) - 1
        both = mask[self.focal] & mask[self.neighbour]
        return _compressed(
            number[self.focal[both]],
            number[self.neighbour[both]],
            self.weight[both],
            int(mask.sum()),
        )


def _compressed(
    focal: Whole, neighbour: Whole, weight: Floats, size: int
) -> Neighbours:
    order = np.lexsort((neighbour, focal))
    start = np.append(0, np.cumsum(np.bincount(focal, minlength=size)))
    return Neighbours(start, neighbour[order], weight[order])


def neighbour_pairs(
    focal: ArrayLike, neighbour: ArrayLike, size: int, weight: ArrayLike | None = None
) -> Neighbours:
    """
    Take neighbours from a list.

    Parameters
    ----------
    focal, neighbour : array of int, shape (pairs,)
        An area and one of its neighbours, numbered from 0. A pair counts one way: for
        mutual neighbours give both.
    size : int
        The number of areas.
    weight : array of float, shape (pairs,), optional
        The weight of each pair, above 0; otherwise 1.

    Returns
    -------
    Neighbours

    Raises
    ------
    ValueError
        A number is no area, an area is its own neighbour, a pair stands there twice,
        lengths differ or a weight is not above 0.

    Examples
    --------
    >>> neighbour_pairs([1, 0], [0, 1], 2).neighbour.tolist()
    [1, 0]
    """
    i = np.asarray(focal, dtype=np.intp)
    j = np.asarray(neighbour, dtype=np.intp)
    w = np.ones(i.shape) if weight is None else np.asarray(weight, dtype=float)
    if not i.shape == j.shape == w.shape or i.ndim != 1:
        raise ValueError(
            f"focal, neighbour and weight must be equally long, got {i.shape}, "
            f"{j.shape} and {w.shape}"
        )
    if i.size and not (min(i.min(), j.min()) >= 0 and max(i.max(), j.max()) < size):
        raise ValueError(f"areas must be numbered 0 to {size - 1}")
    if (i == j).any():
        raise ValueError(f"area {i[i == j][0]} is its own neighbour")
    if not ((w > 0) & np.isfinite(w)).all():
        raise ValueError("weights must be finite and above 0")
    if np.unique(i * size + j).size < i.size:
        raise ValueError("a pair of neighbours stands there twice")
    return _compressed(i, j, w, size)


def contiguity(
    areas: Sequence[Geometry] | NDArray[np.object_],
    kind: Literal["queen", "rook"] = "queen",
    *,
    tolerance: float = 0.0,
) -> Neighbours:
    """
    Take as neighbours the areas that share a border.

    Parameters
    ----------
    areas : sequence of shapely polygons, length n
        The areas, in any coordinates.
    kind : {"queen", "rook"}
        Queen: a common point is enough. Rook: a stretch of border is needed.
    tolerance : float, default 0
        How far apart borders may lie that should be one, in the unit of the
        coordinates: for maps with gaps between the areas.

    Returns
    -------
    Neighbours
        All weights 1.

    Raises
    ------
    ValueError
        The kind is unknown, or an area has no shape.

    Notes
    -----
    Borders are compared as lines, not vertex by vertex, so it does not matter that one
    area has a corner where its neighbour's border runs straight on. Areas that overlap
    are neighbours.

    Examples
    --------
    Four squares in a block: corners touch in the middle.

    >>> import shapely
    >>> block = [shapely.box(x, y, x + 1, y + 1) for x in (0, 1) for y in (0, 1)]
    >>> contiguity(block).counts.tolist(), contiguity(block, "rook").counts.tolist()
    ([3, 3, 3, 3], [2, 2, 2, 2])
    """
    import shapely

    if kind not in ("queen", "rook"):
        raise ValueError(f"kind must be queen or rook, got {kind!r}")
    shapes = np.asarray(areas, dtype=object)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if empty.any():
        raise ValueError(f"area {int(empty.argmax())} has no shape")
    tree = shapely.STRtree(shapes)
    if tolerance:
        i, j = tree.query(shapes, predicate="dwithin", distance=tolerance)
    else:
        i, j = tree.query(shapes, predicate="intersects")
    i, j = i[i < j], j[i < j]
    if kind == "rook":
        other = (
            shapely.snap(shapes[j], shapes[i], tolerance) if tolerance else shapes[j]
        )
        crossing = shapely.relate(shapes[i], other)
        # inside meets inside in a surface, or border meets border in a line
        shared = np.array([c[0] == "2" or c[4] == "1" for c in crossing], dtype=bool)
        i, j = i[shared], j[shared]
    return neighbour_pairs(np.append(i, j), np.append(j, i), shapes.size)


def nearest(
    coordinates: ArrayLike, k: int, *, great_circle: bool = False
) -> Neighbours:
    """
    Take as neighbours the k nearest areas.

    Parameters
    ----------
    coordinates : array of float, shape (n, 2)
        A point for each area; longitude and latitude in degrees with `great_circle`.
    k : int from 1 to n - 1
        The number of neighbours.
    great_circle : bool, default False
        Whether distances run over the globe.

    Returns
    -------
    Neighbours
        All weights 1. To be the nearest of another is not always mutual. Of areas
        equally far the ones that stand first are taken.

    Raises
    ------
    ValueError
        k is out of range or coordinates are not finite.

    Examples
    --------
    >>> nearest([[0, 0], [1, 0], [3, 0]], 1).neighbour.tolist()
    [1, 0, 1]
    """
    from scipy.spatial import cKDTree

    points = _points(coordinates, great_circle)
    n = len(points)
    if not 1 <= k < n:
        raise ValueError(f"k must be 1 to {n - 1}, got {k}")
    tree = cKDTree(points)
    reach = np.asarray(tree.query(points, k + 1)[0])[:, -1] * (1 + 1e-12)
    chosen = []
    for i, near in enumerate(tree.query_ball_point(points, reach)):
        others = np.array(sorted(set(near) - {i}))
        distance = ((points[others] - points[i]) ** 2).sum(axis=1)
        ties = np.round(distance / max(distance.max(), 1e-300), 12)
        chosen.append(others[np.argsort(ties, kind="stable")[:k]])
    return neighbour_pairs(np.repeat(np.arange(n), k), np.concatenate(chosen), n)


def within_distance(
    coordinates: ArrayLike, distance: float, *, great_circle: bool = False
) -> Neighbours:
    """
    Take as neighbours all areas within a distance.

    Parameters
    ----------
    coordinates : array of float, shape (n, 2)
        A point for each area; longitude and latitude in degrees with `great_circle`.
    distance : float above 0
        In the unit of the coordinates, in metres with `great_circle`; the limit itself
        belongs to it.
    great_circle : bool, default False
        Whether distances run over the globe.

    Returns
    -------
    Neighbours
        All weights 1.

    Raises
    ------
    ValueError
        The distance is not above 0 or coordinates are not finite.

    Examples
    --------
    >>> within_distance([[0, 0], [1, 0], [3, 0]], 1).counts.tolist()
    [1, 1, 0]
    """
    from scipy.spatial import cKDTree

    points = _points(coordinates, great_circle)
    if not distance > 0:
        raise ValueError(f"distance must be above 0, got {distance}")
    if great_circle:  # a straight line through the globe
        distance = 2 * EARTH * np.sin(min(distance / (2 * EARTH), np.pi / 2))
    pairs = cKDTree(points).query_pairs(distance * (1 + 1e-12), output_type="ndarray")
    i, j = pairs.T
    return neighbour_pairs(np.append(i, j), np.append(j, i), len(points))


def _points(coordinates: ArrayLike, great_circle: bool) -> Floats:
    points = np.asarray(coordinates, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError("coordinates must be finite, two for each area")
    if not great_circle:
        return points
    east, north = np.radians(points).T
    if (np.abs(points[:, 1]) > 90).any():
        raise ValueError("latitudes must be -90 to 90 degrees")
    level = np.cos(north)
    sphere = [level * np.cos(east), level * np.sin(east), np.sin(north)]
    return EARTH * np.column_stack(sphere)


def higher_order(
    neighbours: Neighbours, order: int, *, cumulative: bool = False
) -> Neighbours:
    """
    Take as neighbours the areas that are reached in so many steps, and not in fewer.

    Parameters
    ----------
    neighbours : Neighbours
        The first order; its weights play no part.
    order : int, 1 or more
        The number of steps.
    cumulative : bool, default False
        Whether those reached in fewer steps belong to it too.

    Returns
    -------
    Neighbours
        All weights 1.

    Raises
    ------
    ValueError
        The order is below 1.

    Examples
    --------
    >>> row = neighbour_pairs([0, 1, 1, 2], [1, 0, 2, 1], 3)
    >>> higher_order(row, 2).neighbour.tolist()
    [2, 0]
    """
    from scipy.sparse import csr_array, eye_array

    if order < 1:
        raise ValueError(f"order must be 1 or more, got {order}")
    n = neighbours.size
    one = np.ones(neighbours.neighbour.size, dtype=np.int32)
    step = csr_array((one, neighbours.neighbour, neighbours.start), shape=(n, n))
    itself = eye_array(n, dtype=np.int32, format="csr")
    front = reached = itself
    for _ in range(order):
        after = ((reached + front @ step) > 0).astype(np.int32)
        front, reached = after - reached, after
    i, j = (reached - itself if cumulative else front).nonzero()
    return neighbour_pairs(i, j, n)
