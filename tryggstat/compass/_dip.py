"""Hartigan's dip: how far a sample is from having one peak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dip(sample: NDArray[np.float64]) -> float:
    """
    Return the largest distance to the nearest distribution with one peak.

    The nearest distribution is convex up to a modal interval and concave after it. The
    interval is narrowed from the whole range, as long as the dip that the steps
    outside it force is smaller than the gap between the convex and the concave hull
    inside (Hartigan 1985, Applied Statistics 34, 320-325).
    """
    x, count = np.unique(sample, return_counts=True)
    above = np.cumsum(count) / len(sample)
    below = above - count / len(sample)
    twice = 1 / len(sample)  # twice the dip is never less
    low, high = 0, len(x) - 1
    while low < high:
        span = np.arange(low, high + 1)
        convex = low + _hull(x[span], below[span])
        concave = high - _hull(-x[span][::-1], -above[span][::-1])[::-1]
        under = np.interp(x, x[convex], below[convex])
        over = np.interp(x, x[concave], above[concave])
        at_convex = over[convex] - below[convex]
        at_concave = above[concave] - under[concave]
        gap = max(at_convex.max(), at_concave.max())
        if gap <= twice:
            break
        if at_convex.max() >= at_concave.max():
            first = convex[at_convex.argmax()]
            last = concave[np.searchsorted(concave, first)]
        else:
            last = concave[at_concave.argmax()]
            first = convex[np.searchsorted(convex, last, side="right") - 1]
        before, after = slice(low, first), slice(last + 1, high + 1)
        forced = np.concatenate(
            [above[before] - under[before], over[after] - below[after]]
        )
        twice = max(twice, forced.max(initial=0))
        if (first, last) == (low, high):
            break
        low, high = int(first), int(last)
    return twice / 2


def _hull(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where the largest convex function below the points touches them."""
    xs, ys = x.tolist(), y.tolist()
    touching: list[int] = []
    for i, (here, height) in enumerate(zip(xs, ys, strict=True)):
        while len(touching) > 1:
            a, b = touching[-2:]
            if (ys[b] - ys[a]) * (here - xs[b]) < (height - ys[b]) * (xs[b] - xs[a]):
                break
            touching.pop()
        touching.append(i)
    return np.array(touching)


# Quantiles of sqrt(n) dip in uniform samples, from 10,000 to 40,000 samples for each n
# (a test draws new ones and compares).
PROBABILITIES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]
# fmt: off
QUANTILES = {
    10: [0.1934, 0.2271, 0.2463, 0.2781, 0.3091, 0.3611, 0.4129,
         0.4403, 0.4755, 0.5044, 0.5245, 0.5676],
    20: [0.2125, 0.2363, 0.2550, 0.2874, 0.3278, 0.3809, 0.4349,
         0.4699, 0.5118, 0.5443, 0.5689, 0.6275],
    30: [0.2156, 0.2431, 0.2592, 0.2928, 0.3364, 0.3908, 0.4462,
         0.4830, 0.5253, 0.5557, 0.5823, 0.6389],
    50: [0.2220, 0.2497, 0.2672, 0.3004, 0.3458, 0.4005, 0.4590,
         0.4974, 0.5416, 0.5741, 0.6042, 0.6584],
    100: [0.2276, 0.2564, 0.2743, 0.3084, 0.3544, 0.4114, 0.4708,
          0.5098, 0.5582, 0.5905, 0.6202, 0.6790],
    200: [0.2328, 0.2608, 0.2791, 0.3149, 0.3632, 0.4204, 0.4806,
          0.5198, 0.5685, 0.6037, 0.6317, 0.7092],
    500: [0.2373, 0.2665, 0.2850, 0.3201, 0.3688, 0.4266, 0.4887,
          0.5301, 0.5763, 0.6082, 0.6419, 0.7101],
    1000: [0.2409, 0.2706, 0.2888, 0.3233, 0.3714, 0.4299, 0.4930,
           0.5333, 0.5826, 0.6156, 0.6477, 0.7250],
    2000: [0.2422, 0.2713, 0.2883, 0.3244, 0.3736, 0.4338, 0.4964,
           0.5395, 0.5924, 0.6269, 0.6569, 0.7275],
    5000: [0.2429, 0.2740, 0.2923, 0.3264, 0.3753, 0.4348, 0.4970,
           0.5384, 0.5871, 0.6239, 0.6593, 0.7192],
}
# fmt: on


def dip_p(value: float, n: int) -> float:
    """Return the p-value of a dip of n values, by interpolation in the table."""
    sizes = np.log(list(QUANTILES))
    columns = np.array(list(QUANTILES.values())).T
    row = [np.interp(np.log(n), sizes, column) for column in columns]
    return float(1 - np.interp(np.sqrt(n) * value, row, PROBABILITIES))
