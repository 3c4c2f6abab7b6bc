"""Groups of areas that resemble each other, and how far to trust them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.compass._kmeans import kmeans
from tryggstat.compass._ward import ward
from tryggstat.compass.standardise import standardise
from tryggstat.parallel import replicates, streams

Method = Literal["ward", "kmeans"]

# Wording of a deviation from the mean of the areas, by standard deviations.
WORDS = {
    "sv": (
        "mycket högre",
        "högre",
        "lägre",
        "mycket lägre",
        "Nära genomsnittet i allt",
    ),
    "en": (
        "much higher",
        "higher",
        "lower",
        "much lower",
        "Near the average throughout",
    ),
}


@dataclass(frozen=True)
class Move:
    """An area that is in another group than before."""

    area: int
    was: int
    now: int
    probability: float
    """Share of bootstrap samples in which it is not in its former group either."""


@dataclass(frozen=True)
class Typology:
    """
    Groups of areas. Numbers name the groups; they do not rank them.

    Attributes
    ----------
    labels : array of int, shape (m,)
        Group of each area, 0 to k - 1.
    centres : array of float, shape (k, p)
        Mean of each group's areas, in standard deviations from the mean.
    sizes : array of int, shape (k,)
        Areas in each group.
    stability : array of float, shape (k,)
        Mean Jaccard similarity with the groups of bootstrap samples, 0 to 1.
    membership : array of float, shape (m, k)
        Share of the bootstrap samples with the area in which it is in each group.
    silhouette : array of float, shape (m,)
        -1 (nearer to another group) to 1 (far from all others).
    standardised : array of float, shape (m, p)
        The variables as they were compared.
    former : array of int, shape (k,)
        The label in `previous` that each group goes on with, -1 where it is new.
    moved : tuple of Move
        Areas not in the group that goes on with their former one.
    method : mapping
        All options in force.
    """

    labels: NDArray[np.int64]
    centres: NDArray[np.float64]
    sizes: NDArray[np.int64]
    stability: NDArray[np.float64]
    membership: NDArray[np.float64]
    silhouette: NDArray[np.float64]
    standardised: NDArray[np.float64]
    former: NDArray[np.int64]
    moved: tuple[Move, ...]
    method: Mapping[str, object]

    @property
    def silhouette_mean(self) -> float:
        """Mean silhouette of all areas."""
        return float(self.silhouette.mean())

    def profile(
        self, names: Sequence[str], *, at_least: float = 0.5
    ) -> list[list[tuple[str, float]]]:
        """
        Return what stands out in each group, the largest deviation first.

        Parameters
        ----------
        names : sequence of str, length p
            Names of the variables.
        at_least : float, default 0.5
            Smallest deviation from the mean, in standard deviations, that is named.

        Returns
        -------
        list of list of (str, float)
            For each group the variables that stand out and their centre.

        Raises
        ------
        ValueError
            There is not one name for each variable.

        Examples
        --------
        >>> t = typology([[0.0], [0.1], [1.0], [1.1]], groups=2, bootstraps=0)
        >>> [[(n, round(z, 2)) for n, z in group] for group in t.profile(["rent"])]
        [[('rent', -1.0)], [('rent', 1.0)]]
        """
        profiles = []
        for centre in self.centres:
            pairs = zip(names, centre.tolist(), strict=True)
            outstanding = [pair for pair in pairs if abs(pair[1]) >= at_least]
            profiles.append(sorted(outstanding, key=lambda pair: -abs(pair[1])))
        return profiles

    def words(
        self, names: Sequence[str], language: Literal["sv", "en"] = "sv"
    ) -> list[str]:
        """
        Describe each group by what is higher and lower in it, without judging.

        Parameters
        ----------
        names : sequence of str, length p
            Names of the variables in that language.
        language : {"sv", "en"}
            Language of the sentence.

        Returns
        -------
        list of str
            One sentence for each group. From 0.5 standard deviations a variable is
            called higher or lower than the mean of the areas, from 1.5 much so.

        Raises
        ------
        ValueError
            There is not one name for each variable.

        Examples
        --------
        >>> t = typology([[0.0], [0.1], [1.0], [1.1]], groups=2, bootstraps=0)
        >>> t.words(["andel hyresrätter"])
        ['Lägre: andel hyresrätter.', 'Högre: andel hyresrätter.']
        """
        much_higher, higher, lower, much_lower, average = WORDS[language]
        sentences = []
        for outstanding in self.profile(names):
            parts = {
                much_higher: [name for name, z in outstanding if z >= 1.5],
                higher: [name for name, z in outstanding if 0 < z < 1.5],
                lower: [name for name, z in outstanding if -1.5 < z < 0],
                much_lower: [name for name, z in outstanding if z <= -1.5],
            }
            said = [
                f"{word}: {', '.join(whom)}" for word, whom in parts.items() if whom
            ]
            text = "; ".join(said) or average
            sentences.append(f"{text[0].upper()}{text[1:]}.")
        return sentences


def typology(
    values: ArrayLike,
    population: ArrayLike | None = None,
    groups: int = 6,
    method: Method = "ward",
    transform: Sequence[str] | None = None,
    bootstraps: int = 100,
    seed: int = 1,
    previous: ArrayLike | None = None,
    *,
    pool: Executor | None = None,
) -> Typology:
    """
    Put areas that resemble each other in the same group, and test how firm that is.

    Groups are found in any data, also where there are none: ask `groups_test` first.

    Parameters
    ----------
    values : array of float, shape (m, p)
        One row per area, one column per variable.
    population : array of float, shape (m,), optional
        Persons in each area: weights of the means and standard deviations by which the
        variables are standardised. In the grouping itself every area counts once.
    groups : int, default 6
        Number of groups k, from 2 to m - 1.
    method : {"ward", "kmeans"}
        Ward's tree, or k-means from the best of ten k-means++ starts.
    transform : sequence of str, length p, optional
        "none", "log" or "logit" for each column, see `standardise`.
    bootstraps : int, default 100
        Bootstrap samples for stability; 0 for none (stability and membership are then
        not a number).
    seed : int, default 1
        The same seed gives the same numbers, however many workers share the work.
    previous : array of int, shape (m,), optional
        Labels of a former typology, -1 where an area had none.
    pool : Executor, optional
        Threads, processes or a cluster to share the bootstrap samples.

    Returns
    -------
    Typology
        Groups are numbered by their number of areas, the largest first (of equals, the
        one with the first area). With `previous`, a group keeps the number of the
        former group that it has most areas in common with, matched so that the areas
        that keep their group are as many as possible.

    Raises
    ------
    ValueError
        As `standardise`; or `groups`, `method`, `bootstraps` or `previous` does not
        fit.

    Notes
    -----
    Ward joins, from single areas on, the two groups A and B that add least to the sum
    of squares within groups, |A||B| / (|A| + |B|) times the squared distance of their
    centres. k-means minimises the same sum for a given k.

    Stability of a group C: in each bootstrap sample S (m areas with replacement, each
    area that is drawn used once) the areas are grouped anew; the mean over samples of

        max over new groups D of |C∩S ∩ D| / |C∩S ∪ D|

    From about 0.75 a group is taken as stable; below 0.6 it should not be trusted;
    below 0.5 it is dissolved (Hennig). Variables are standardised once, not in every
    sample.

    The probability of a move counts how unsure the present grouping is. That of the
    former one is not known here.

    References
    ----------
    Ward (1963), Journal of the American Statistical Association 58, 236-244.
    Arthur and Vassilvitskii (2007), Proc. 18th SODA, 1027-1035 (k-means++).
    Hennig (2007), Computational Statistics and Data Analysis 52, 258-271.
    Rousseeuw (1987), J. Computational and Applied Mathematics 20, 53-65.

    Examples
    --------
    >>> values = [[0.1, 20], [0.2, 22], [0.1, 21], [0.8, 40], [0.9, 41]]
    >>> found = typology(values, groups=2, bootstraps=50)
    >>> found.labels.tolist(), found.sizes.tolist()
    ([0, 0, 0, 1, 1], [3, 2])
    >>> bool(found.stability.min() > 0.6)
    True
    """
    z = standardise(values, population, transform)
    if not 2 <= groups < len(z):
        raise ValueError(f"groups must be 2 to {len(z) - 1}, got {groups}")
    if method not in ("ward", "kmeans"):
        raise ValueError(f"method must be ward or kmeans, got {method!r}")
    if bootstraps < 0:
        raise ValueError(f"bootstraps must be 0 or more, got {bootstraps}")
    old = np.full(len(z), -1) if previous is None else np.asarray(previous)
    if old.shape != (len(z),) or old.dtype.kind not in "iu":
        raise ValueError(f"previous must be {len(z)} whole numbers, -1 for none")

    found = _grouped(z, groups, method, next(streams(seed, range(1))))
    labels, former = _numbered(found, old, groups)
    work = partial(
        _bootstrapped, z=z, labels=labels, k=groups, method=method, seed=seed
    )
    stability = np.full(groups, np.nan)
    membership = np.full((len(z), groups), np.nan)
    if bootstraps:
        results = replicates(work, bootstraps, pool=pool)
        stability = _mean(results[:, :groups])
        membership = np.column_stack(
            [_mean(results[:, groups:], g) for g in range(groups)]
        )
    sizes = np.bincount(labels, minlength=groups)
    return Typology(
        labels=labels,
        centres=_sums(z, labels, groups) / sizes[:, None],
        sizes=sizes,
        stability=stability,
        membership=membership,
        silhouette=silhouette(z, labels),
        standardised=z,
        former=former,
        moved=_moved(labels, old, former, membership),
        method={
            "method": method,
            "groups": groups,
            "transform": ["none"] * z.shape[1]
            if transform is None
            else list(transform),
            "weighted_by_population": population is not None,
            "bootstraps": bootstraps,
            "seed": seed,
            "numbered_by": "size" if previous is None else "previous",
        },
    )


def silhouette(points: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """
    Say for each point whether it lies nearer to its own group than to any other.

    Parameters
    ----------
    points : array of float, shape (m, p)
        Points, compared by Euclidean distance.
    labels : array of int, shape (m,)
        Group of each point, 0 to k - 1, at least two groups, none empty.

    Returns
    -------
    array of float, shape (m,)
        From -1 to 1; 0 for a point alone in its group.

    Raises
    ------
    ValueError
        Shapes do not fit, there are fewer than two groups, or a group is empty.

    Notes
    -----
    With a the mean distance to the others of the own group, and b the smallest mean
    distance to the points of another group, s = (b - a) / max(a, b).

    References
    ----------
    Rousseeuw (1987), J. Computational and Applied Mathematics 20, 53-65.

    Examples
    --------
    >>> silhouette([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1]).round(3).tolist()
    [0.818, 0.778, 0.778, 0.818]
    """
    from scipy.spatial.distance import cdist

    z, group = np.asarray(points, dtype=float), np.asarray(labels)
    if z.ndim != 2 or group.shape != z.shape[:1]:
        raise ValueError(f"one label per point: got {group.shape} for {z.shape}")
    size = np.bincount(group)
    if len(size) < 2 or not size.all():
        raise ValueError("there must be two groups or more, numbered without a gap")
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(size) - size
    result = np.empty(len(z))
    for first in range(0, len(z), 256):  # blocks: all distances at once are large
        block = slice(first, first + 256)
        rows = np.arange(len(group[block]))
        total = np.add.reduceat(cdist(z[block], z[order]), starts, axis=1)
        own = group[block]
        inside = total[rows, own] / np.maximum(size[own] - 1, 1)
        mean = total / size
        mean[rows, own] = np.inf
        nearest = mean.min(axis=1)
        larger = np.maximum(inside, nearest)
        result[block] = np.divide(
            nearest - inside, larger, out=np.zeros(len(rows)), where=larger > 0
        )
    result[size[group] == 1] = 0
    return result


def _grouped(
    z: NDArray[np.float64], k: int, method: str, generator: np.random.Generator
) -> NDArray[np.int64]:
    return ward(z).cut(k) if method == "ward" else kmeans(z, k, generator)


def _numbered(
    found: NDArray[np.int64], old: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number groups by size, or after the former groups; return labels and former."""
    from scipy.optimize import linear_sum_assignment

    first = np.array([np.argmax(found == g) for g in range(k)])
    by_size = np.lexsort((first, -np.bincount(found, minlength=k)))
    labels = np.argsort(by_size)[found]
    known = old >= 0
    table = _crossed(labels[known], old[known], k)
    mine, theirs = linear_sum_assignment(-table)
    met = table[mine, theirs] > 0
    number = np.full(k, -1)
    taken = [(g, f) for g, f in zip(mine[met], theirs[met], strict=True) if f < k]
    for group, label in taken:
        number[group] = label
    number[number < 0] = np.setdiff1d(np.arange(k), number)
    former = np.full(k, -1)
    former[number[mine[met]]] = theirs[met]
    return number[labels], former


def _crossed(
    one: NDArray[np.int64], other: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Count the areas in each group of one grouping and of another."""
    width = max(k, int(other.max(initial=-1)) + 1)
    flat = np.bincount(one * width + other, minlength=k * width)
    return flat.reshape(k, width)


def _bootstrapped(
    numbers: range,
    *,
    z: NDArray[np.float64],
    labels: NDArray[np.int64],
    k: int,
    method: str,
    seed: int,
) -> NDArray[np.float64]:
    """Return for each sample the Jaccard similarities and each area's group."""
    from scipy.optimize import linear_sum_assignment

    results = np.full((len(numbers), k + len(z)), np.nan)
    after = range(numbers.start + 1, numbers.stop + 1)  # stream 0 made the groups
    for row, generator in zip(results, streams(seed, after), strict=True):
        drawn = np.unique((generator.random(len(z)) * len(z)).astype(np.int64))
        new = _grouped(z[drawn], min(k, len(drawn)), method, generator)
        table = _crossed(labels[drawn], new, k)
        mine, theirs = table.sum(axis=1, keepdims=True), table.sum(axis=0)
        there = mine[:, 0] > 0
        similar = table[there] / (mine[there] + theirs - table[there])
        row[:k][there] = similar.max(axis=1)
        named = np.empty(k, dtype=np.int64)
        own, theirs = linear_sum_assignment(-table)
        named[theirs] = own
        row[k + drawn] = named[new]
    return results


def _mean(
    results: NDArray[np.float64], group: int | None = None
) -> NDArray[np.float64]:
    """Mean of what is known in each column, or the share that is this group."""
    known = ~np.isnan(results)
    what = np.where(known, results, 0) if group is None else results == group
    count = known.sum(axis=0)
    return np.divide(
        what.sum(axis=0), count, out=np.full(results.shape[1], np.nan), where=count > 0
    )


def _sums(
    z: NDArray[np.float64], labels: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    return np.column_stack([np.bincount(labels, c, minlength=k) for c in z.T])


def _moved(
    labels: NDArray[np.int64],
    old: NDArray[np.int64],
    former: NDArray[np.int64],
    membership: NDArray[np.float64],
) -> tuple[Move, ...]:
    moves = []
    for area in np.flatnonzero((old >= 0) & (former[labels] != old)):
        stayed = membership[area, former == old[area]].sum()
        now, was = int(labels[area]), int(old[area])
        moves.append(Move(int(area), was, now, float(1 - stayed)))
    return tuple(moves)
