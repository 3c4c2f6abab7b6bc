"""How a sample was drawn, and the variance that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey._columns import (
    Coded,
    Codes,
    Floats,
    columns_of,
    encode,
    pair,
    sums_by,
)

if TYPE_CHECKING:
    from tryggstat.survey.replicates import Replicates

LonelyPsu = Literal["fail", "adjust", "average", "remove", "certainty"]


class LonelyUnit(ValueError):
    """A stratum has a single sampled unit, so its variance cannot be estimated."""


class Stage(NamedTuple):
    """
    One stage of selection.

    Each stratum adds `scale * sum((t - mean)**2)` to the variance, with t the totals of
    its units; the mean is theirs, or for a lonely unit that of all units of the stage.
    """

    stratum: Codes  # of each row
    unit: Codes | None  # of each row; None when every row is a unit of its own
    units: Codes  # number in each stratum; the next three are per stratum too
    fraction: Floats  # sampled, 0 if that does not matter
    scale: Floats
    centred: NDArray[np.bool_]  # False for a lonely unit that is to be adjusted

    @property
    def stratum_of_units(self) -> Codes:
        """The stratum of each unit, for a stage of clusters."""
        assert self.unit is not None
        parent = np.empty(self.units.sum(), dtype=np.intp)
        parent[self.unit] = self.stratum
        return parent


@dataclass(frozen=True, eq=False)
class Design:
    """
    The design of a sample: weights, strata, sampled units and population sizes.

    Parameters
    ----------
    weight : array, shape (n,), optional
        Persons that each answer stands for; 0 or more. A row of weight 0 is part of the
        design but of no estimate. Without it the weight is 1 over the sampling fraction
        by `fpc`, or 1.
    stratum : array, shape (n,), optional
        The stratum that each row was drawn in.
    psu : array, shape (n,), or sequence of such arrays, optional
        The sampled unit of each row, one array per stage. Codes are read as nested in
        the stratum (and in the unit of the stage before). Without it rows are units.
    fpc : array, shape (n,), or sequence of such arrays, optional
        Units in the population of the row's stratum, one array per stage, or the
        sampling fraction when no value is above 1. One array more than `psu` says how
        rows were drawn within the last units.
    lonely_psu : {"fail", "adjust", "average", "remove", "certainty"}
        What to do with a stratum of a single unit: refuse; use its distance from the
        mean of all units; let it have the mean variance of the other strata; or count
        it as without variance (the last two names).
    calibration : array, shape (n, p), optional
        The auxiliary variables that the weights were calibrated to (margins of rake or
        post-stratification as 0/1 columns). Variances are then of the residuals.
    base_weight : array, shape (n,), optional
        The weights before calibration, by which those residuals are fitted. Without it
        all rows count alike.
    replicates : Replicates, optional
        Replicate weights that the variance is taken from: see `replicate` and
        `given_replicates`, which put them here.

    Raises
    ------
    ValueError
        Lengths differ, a weight is negative or missing, a stratum or unit is missing,
        population sizes vary within a stratum or are below the sample, or the name of
        the treatment of lonely units is unknown.

    Notes
    -----
    The variance of a total of scores u, Taylor's linearised variance for other
    estimates, is taken stage by stage::

        v = sum_h (1 - f_h) n_h/(n_h - 1) sum_c (t_hc - mean_h)^2
            + sum_h f_h sum_c v(within unit c)

    with t_hc the weighted total of unit c. Without `fpc` only the first stage counts,
    as for sampling with replacement.

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, chapters 4-5.
    Lumley (2004), Journal of Statistical Software 9(8).

    Examples
    --------
    >>> design = Design([2, 2, 3, 3], stratum=["a", "a", "b", "b"])
    >>> design.degrees_of_freedom
    2
    """

    weight: ArrayLike | None = None
    stratum: ArrayLike | Coded | None = None
    psu: ArrayLike | Sequence[ArrayLike | Coded] | Coded | None = None
    fpc: ArrayLike | Sequence[ArrayLike] | None = None
    lonely_psu: LonelyPsu = "fail"
    calibration: ArrayLike | None = None
    base_weight: ArrayLike | None = None
    replicates: Replicates | None = None

    def __post_init__(self) -> None:
        if self.weight is None:
            object.__setattr__(self, "weight", self._inverse_fractions())
        w = np.asarray(self.weight, dtype=float)
        if w.ndim != 1 or not w.size:
            raise ValueError(f"weight must be a column of numbers, got shape {w.shape}")
        if not (w >= 0).all() or not np.isfinite(w).all() or not w.any():
            raise ValueError("weights must be finite, 0 or more, and not all 0")
        if self.lonely_psu not in get_args(LonelyPsu):
            raise ValueError(
                f"lonely_psu must be one of {', '.join(get_args(LonelyPsu))}, "
                f"got {self.lonely_psu!r}"
            )
        object.__setattr__(self, "weight", w)
        if self.calibration is not None:
            x = np.asarray(self.calibration, dtype=float)
            if x.ndim != 2 or len(x) != w.size or not np.isfinite(x).all():
                raise ValueError(
                    f"calibration must be finite, one row per weight, got {x.shape}"
                )
            object.__setattr__(self, "calibration", x)
        base = np.ones(1) if self.base_weight is None else np.asarray(self.base_weight)
        if base.shape not in ((1,), w.shape) or not (base >= 0).all():
            raise ValueError("base_weight must be 0 or more and as long as weight")
        object.__setattr__(self, "base_weight", base)

    def _inverse_fractions(self) -> Floats:
        columns = [*columns_of(self.stratum), *columns_of(self.psu)]
        columns += columns_of(self.fpc)
        if not columns:
            raise ValueError("a design needs weights, strata, units or sizes")
        object.__setattr__(self, "weight", np.ones(len(encode(columns[0]).codes)))
        w = np.ones(self.rows)
        for stage in self.stages:
            w /= np.where(stage.fraction > 0, stage.fraction, 1)[stage.stratum]
        return w

    @property
    def w(self) -> Floats:
        """The weights as an array."""
        return self.weight  # type: ignore[return-value]

    @property
    def rows(self) -> int:
        """Rows of the sample."""
        return self.w.size

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages that count, the first one first."""
        n = self.rows
        psu, fpc = columns_of(self.psu), columns_of(self.fpc)
        if len(fpc) > len(psu) + 1:
            raise ValueError(
                f"{len(psu)} stages of units cannot have {len(fpc)} columns of fpc"
            )
        stages: list[Stage] = []
        stratum, names = np.zeros(n, dtype=np.intp), np.array(["all"])
        if self.stratum is not None:
            stratum, names = self._complete(self.stratum, "stratum")
        sampled = np.ones(names.size)  # share of the units of the stages before
        for number in range(max(1, len(fpc))):
            strata = names.size
            unit: Codes | None = None
            if number < len(psu):
                code, labels = self._complete(psu[number], "psu")
                unit, parent, _ = pair(stratum, code, strata, labels.size)
                used = np.bincount(unit, minlength=parent.size) > 0
                unit, parent = (np.cumsum(used) - 1)[unit], parent[used]
            else:
                parent = stratum
            n_units = np.bincount(parent, minlength=strata)
            f = np.zeros(strata)
            if number < len(fpc):
                f = self._fractions(fpc[number], stratum, n_units, names)
            scale, centred = self._spread(n_units, f, names, number)
            stages.append(Stage(stratum, unit, n_units, f, sampled * scale, centred))
            if unit is None:
                break
            sampled = (sampled * f)[parent]
            stratum, names = unit, names[parent]
        return stages

    def _complete(self, column: ArrayLike | Coded, name: str) -> Coded:
        coded = encode(column)
        if coded.codes.shape != self.w.shape:
            raise ValueError(
                f"{name} must be as long as weight, got {coded.codes.size} and "
                f"{self.rows}"
            )
        if (coded.codes < 0).any():
            raise ValueError(f"{name} is missing in row {coded.codes.argmin() + 1}")
        return coded

    def _fractions(
        self,
        fpc: ArrayLike,
        stratum: Codes,
        n_units: NDArray[np.intp],
        names: NDArray[Any],
    ) -> Floats:
        given = np.asarray(fpc, dtype=float)
        if given.shape != stratum.shape or not (given > 0).all():
            raise ValueError("fpc must be above 0 and as long as weight")
        if (given > 1).any() and (given < 1).any():
            raise ValueError("fpc must be population sizes or fractions, not both")
        per_stratum = np.empty(n_units.size)
        per_stratum[stratum] = given
        wrong = per_stratum[stratum] != given
        if wrong.any():
            name = names[stratum[wrong.argmax()]]
            raise ValueError(f"fpc varies within stratum {name}")
        if (given <= 1).all():
            return per_stratum
        if (per_stratum < n_units).any():
            name = names[(per_stratum < n_units).argmax()]
            raise ValueError(f"stratum {name} has more sampled units than its fpc")
        return n_units / per_stratum

    def _spread(
        self, n_units: NDArray[np.intp], f: Floats, names: NDArray[Any], number: int
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the factor of each stratum's spread, and whether it is centred."""
        alone = (n_units == 1) & (f < 1)
        centred = np.ones(n_units.size, dtype=bool)
        scale = (1 - f) * n_units / np.maximum(n_units - 1, 1)
        if not alone.any():
            return scale, centred
        match self.lonely_psu:
            case "fail":
                raise LonelyUnit(
                    f"stratum {names[alone.argmax()]} has only one unit at stage "
                    f"{number + 1}"
                )
            case "adjust":
                centred[alone] = False
            case "average":
                scale[alone] = 0
                scale *= alone.size / (~alone).sum() if not alone.all() else np.nan
            case _:
                scale[alone] = 0
        return scale, centred

    @cached_property
    def degrees_of_freedom(self) -> int:
        """Sampled units less strata, counting only rows with a weight."""
        return self.degrees_of_freedom_of(self.w > 0)

    def degrees_of_freedom_of(self, rows: NDArray[np.bool_]) -> int:
        """Return the units less the strata, of the first stage, that rows are in."""
        stage = self.stages[0]
        units = rows.sum() if stage.unit is None else _distinct(stage.unit[rows])
        return int(units - _distinct(stage.stratum[rows]))

    @cached_property
    def calibration_solver(self) -> tuple[Floats, Floats]:
        """The auxiliary variables, and (X'DX)^-1 X'D to regress a column on them."""
        x = np.asarray(self.calibration)
        root = np.sqrt(np.where(self.w > 0, np.asarray(self.base_weight, float), 0))
        return x, np.asarray(np.linalg.pinv(x * root[:, None]) * root)

    def covariance(self, scores: Floats) -> Floats:
        """
        Return the covariance of the weighted totals of linearised scores.

        Parameters
        ----------
        scores : array, shape (n, k)
            One column per estimate: its influence per person, 0 outside its domain.

        Returns
        -------
        array, shape (k, k)
            The covariance matrix of the k estimates under the design.

        Raises
        ------
        LonelyUnit
            A stratum has a single unit and the design says "fail".

        Notes
        -----
        Taylor's linearised variance, stage by stage: see `Design`. For calibrated
        weights the scores are first replaced by their residuals from a regression on
        the auxiliary variables, weighted with `base_weight`: so does R's calibrate; its
        rake and postStratify let all rows count alike.

        References
        ----------
        Binder (1983), International Statistical Review 51, 279-292.
        Deville and Särndal (1992), JASA 87, 376-382.

        Examples
        --------
        >>> design = Design([1, 1, 1])
        >>> design.covariance(np.array([[1.0], [2.0], [3.0]])).tolist()
        [[3.0]]
        """
        if self.calibration is not None:
            x, solver = self.calibration_solver
            scores = scores - x @ (solver @ scores)
        weighted = scores * self.w[:, None]
        result = np.zeros((scores.shape[1],) * 2)
        for stage in self.stages:
            totals, stratum = weighted, stage.stratum
            if stage.unit is not None:
                totals = sums_by(stage.unit, weighted, stage.units.sum())
                stratum = stage.stratum_of_units
            mean = sums_by(stratum, totals, stage.units.size)
            mean /= stage.units[:, None]
            mean[~stage.centred] = totals.sum(axis=0) / stage.units.sum()
            spread = totals - mean[stratum]
            result += (spread * stage.scale[stratum, None]).T @ spread
        return result


def _distinct(codes: Codes) -> int:
    return int(np.count_nonzero(np.bincount(codes))) if codes.size else 0
