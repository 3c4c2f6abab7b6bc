"""An effect with its interval, and in words what may be concluded from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["decrease", "increase", "cannot be told"]
Kind = Literal["series", "comparison", "synthetic"]
Doubt = Literal[
    "trend before the start",
    "too few units",
    "too few periods",
    "autocorrelation",
    "poor fit",
    "no placebos",
]

# what the estimate is compared with, and what has to hold for it to be an effect
COMPARED: dict[Kind, tuple[str, str, str, str]] = {
    "series": (
        "than if the earlier trend had gone on",
        "nothing else changed at the same time",
        "än om den tidigare trenden hade fortsatt",
        "inget annat ändrades samtidigt",
    ),
    "comparison": (
        "than the development in the comparison areas gives reason to expect",
        "the areas would have followed each other without the measure",
        "än utvecklingen i jämförelseområdena ger skäl att vänta",
        "områdena hade följts åt utan åtgärden",
    ),
    "synthetic": (
        "than in the weighted comparison of other areas",
        "the weighted areas show what would have happened without the measure",
        "än i den vägda jämförelsen av andra områden",
        "de vägda områdena visar vad som hade hänt utan åtgärden",
    ),
}
# why an estimate must not be read as an effect, whatever its interval
DOUBTS: dict[Doubt, tuple[str, str]] = {
    "trend before the start": (
        "the comparison was already off before the measure started",
        "jämförelsen stämde inte ens innan åtgärden började",
    ),
    "too few units": (
        "too few areas are compared to know how much they differ by chance",
        "för få områden jämförs för att veta hur mycket de skiljer sig av slumpen",
    ),
    "too few periods": (
        "too few periods were measured before or after the start",
        "för få perioder är mätta före eller efter starten",
    ),
    "autocorrelation": (
        "periods in a row are alike, so that the interval is too narrow for a series "
        "as short as this",
        "perioder efter varandra liknar varandra, så att intervallet är för smalt för "
        "en så kort serie",
    ),
    "poor fit": (
        "no weighting of the other areas comes close to this one before the start",
        "ingen vägning av de andra områdena kommer nära detta före starten",
    ),
    "no placebos": (
        "without placebos there is no telling how large a gap chance alone makes",
        "utan placebojämförelser går det inte att veta hur stort gap slumpen ger",
    ),
}


@dataclass(frozen=True)
class Effect:
    """
    An estimated effect and how sure we are of it, in the unit of the outcome.

    In models of counts all figures but p and df are logarithms of ratios.

    Attributes
    ----------
    estimate, se, low, high : float
        The estimate, its standard error and its interval; NaN where unknown.
    p : float
        Two-sided p of no effect.
    df : float
        Degrees of freedom.
    smallest : float
        The smallest effect that the design would have seen four times in five.
    """

    estimate: float
    se: float
    low: float
    high: float
    p: float
    df: float
    smallest: float


@dataclass(frozen=True)
class Conclusion:
    """
    What can and cannot be concluded, as a word and as sentences.

    Attributes
    ----------
    verdict : {"decrease", "increase", "cannot be told"}
        What the data say.
    doubts : tuple of str
        Why the estimate must not be read as an effect; empty if nothing is known.
    english, swedish : str
        The same in words for those who decide.
    """

    verdict: Verdict
    doubts: tuple[Doubt, ...]
    english: str
    swedish: str


def smallest_effect(
    se: float, df: float = math.inf, *, confidence: float = 0.95, power: float = 0.8
) -> float:
    """
    Return the smallest true effect that a design would usually have seen.

    Parameters
    ----------
    se : float
        Standard error of the estimated effect.
    df : float, default infinity
        Degrees of freedom of the standard error.
    confidence : float between 0 and 1, default 0.95
        Level of the interval which has to leave out 0.
    power : float between 0 and 1, default 0.8
        How often it should do so.

    Returns
    -------
    float
        In the unit of the standard error, without sign.

    Raises
    ------
    ValueError
        The level or the power is not between 0 and 1.

    Notes
    -----
    Bloom's multiple of the standard error, with t quantiles::

        se (t[1 - (1 - confidence) / 2] + t[power])

    References
    ----------
    Bloom (1995), Evaluation Review 19(5), 547-556.

    Examples
    --------
    >>> round(smallest_effect(1.0), 3)
    2.802
    """
    from scipy.special import stdtrit

    if not (0 < confidence < 1 and 0 < power < 1):
        raise ValueError("confidence and power must be between 0 and 1")
    df = min(df, 1e9)
    return float(se * (stdtrit(df, (1 + confidence) / 2) + stdtrit(df, power)))


def effect_of(estimate: float, se: float, df: float, confidence: float) -> Effect:
    """
    Return an effect with its t interval.

    Parameters
    ----------
    estimate, se : float
        The estimate and its standard error.
    df : float
        Degrees of freedom.
    confidence : float between 0 and 1
        Level of the interval.

    Returns
    -------
    Effect
        Interval and p are NaN where the standard error is not above 0.

    Raises
    ------
    ValueError
        The level is not between 0 and 1.

    Examples
    --------
    >>> effect = effect_of(-2.0, 1.0, 10, 0.95)
    >>> f"{effect.low:.3f} {effect.high:.3f} {effect.p:.4f}"
    '-4.228 0.228 0.0734'
    """
    from scipy.special import stdtr, stdtrit

    if not 0 < confidence < 1:
        raise ValueError("confidence must be between 0 and 1")
    if not (se > 0 and df > 0):
        nan = math.nan
        return Effect(float(estimate), nan, nan, nan, nan, float(df), nan)
    half = se * stdtrit(df, (1 + confidence) / 2)
    return Effect(
        float(estimate),
        float(se),
        float(estimate - half),
        float(estimate + half),
        float(2 * stdtr(df, -abs(estimate / se))),
        float(df),
        smallest_effect(se, df, confidence=confidence),
    )


def conclude(
    effect: Effect, kind: Kind, doubts: Sequence[Doubt] = (), *, ratio: bool = False
) -> Conclusion:
    """
    Put into words what an estimated effect lets us conclude.

    Parameters
    ----------
    effect : Effect
        The estimate and its interval.
    kind : {"series", "comparison", "synthetic"}
        What the estimate is compared with.
    doubts : sequence of Doubt
        Keys of `DOUBTS`: what stands against reading it as an effect.
    ratio : bool, default False
        The effect is the logarithm of a ratio, told in per cent.

    Returns
    -------
    Conclusion
        "cannot be told" where there is a doubt, no interval, or one that holds 0.

    Raises
    ------
    KeyError
        The kind or a doubt is not known.

    Examples
    --------
    >>> told = conclude(Effect(-2.0, 0.5, -3.0, -1.0, 0.001, 50, 1.4), "comparison")
    >>> told.verdict
    'decrease'
    >>> conclude(Effect(-2.0, 2.0, -6.0, 2.0, 0.3, 50, 5.6), "series").verdict
    'cannot be told'
    """
    than, given, than_sv, given_sv = COMPARED[kind]
    reasons = [DOUBTS[doubt] for doubt in doubts]
    estimate, low, high = (
        _amount(x, ratio) for x in (effect.estimate, effect.low, effect.high)
    )
    span, span_sv = f"{low} to {high}", f"{low} till {high}"
    known = math.isfinite(effect.low) and math.isfinite(effect.high)
    if reasons or not known:
        interval = f" ({span})" if known else ""
        interval_sv = f" ({span_sv})" if known else ""
        why = "; ".join(r[0] for r in reasons) or "there is too little to go on"
        why_sv = "; ".join(r[1] for r in reasons) or "underlaget räcker inte"
        return _conclusion(
            "cannot be told",
            doubts,
            f"Whether the measure had an effect cannot be told: {why}. The estimated "
            f"change, {estimate}{interval}, must not be read as an effect.",
            f"Om åtgärden hade effekt går inte att säga: {why_sv}. Den skattade "
            f"förändringen, {estimate}{interval_sv}, ska inte läsas som en effekt.",
        )
    if effect.low <= 0 <= effect.high:
        size = _size(effect.smallest, ratio)
        return _conclusion(
            "cannot be told",
            doubts,
            f"Whether the measure had an effect cannot be told: the estimated change "
            f"is {estimate}, but anything from {span} fits the data, also none. "
            f"Effects smaller than {size} would easily have been missed, so this does "
            f"not show that the measure was without effect.",
            f"Om åtgärden hade effekt går inte att säga: den skattade förändringen är "
            f"{estimate}, men allt från {span_sv} stämmer med data, också ingen "
            f"förändring. Effekter mindre än {size} hade lätt kunnat missas, så detta "
            f"visar inte att åtgärden var utan effekt.",
        )
    fell = effect.high < 0
    size = _size(effect.estimate, ratio)
    return _conclusion(
        "decrease" if fell else "increase",
        doubts,
        f"After the start the level was on average {size} "
        f"{'lower' if fell else 'higher'} {than} (change {span}). "
        f"It can be concluded that there was a difference; that the "
        f"measure made it can be concluded only if {given}.",
        f"Efter starten var nivån i genomsnitt {size} "
        f"{'lägre' if fell else 'högre'} {than_sv} (förändring {span_sv}). "
        f"Att det blev en skillnad går att säga; att åtgärden "
        f"orsakade den går att säga bara om {given_sv}.",
    )


def _conclusion(
    verdict: Verdict, doubts: Sequence[Doubt], english: str, swedish: str
) -> Conclusion:
    # figures stand in the same places in both: a full stop between digits is a comma
    comma = "".join(
        "," if c == "." and swedish[i - 1 : i + 2 : 2].isdigit() else c
        for i, c in enumerate(swedish)
    )
    return Conclusion(verdict, tuple(doubts), english, comma)


def _amount(x: float, ratio: bool) -> str:
    """Write a change with its sign."""
    if not math.isfinite(x):
        return "–"
    x = 100 * math.expm1(x) if ratio else x
    return f"{_plain(x)} %" if ratio else _plain(x)


def _size(x: float, ratio: bool) -> str:
    """Write a change without its sign."""
    x = abs(100 * math.expm1(x)) if ratio else abs(x)
    return f"{_plain(x)} %" if ratio else _plain(x)


def _plain(x: float) -> str:
    """Write three digits, never a power of ten, and a minus sign that is one."""
    digits = np.format_float_positional(x, 3, unique=False, fractional=False, trim="-")
    return digits.replace("-", "−")
