"""Replicates on one core, threads, processes or a cluster: the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

BLOCK = 32  # replicates in one piece of work

Work = Callable[[range], NDArray[np.float64]]


def streams(seed: int, numbers: range) -> Iterator[np.random.Generator]:
    """
    Yield the random numbers of each replicate, whoever draws them and when.

    It is one generator, rewound: draw what you need before asking for the next.
    """
    philox = np.random.Philox(key=0)
    generator, state = np.random.Generator(philox), philox.state
    for number in numbers:
        state["state"]["key"][:] = seed, number
        philox.state = state  # 3 microseconds; a new Philox takes 15 or more
        yield generator


def replicates(
    work: Work, total: int, *, pool: Executor | None = None
) -> NDArray[np.float64]:
    """
    Run `work` over the numbers 0 to total - 1 and return the results in that order.

    `pool` holds threads, processes or a Dask cluster; None means here and now.
    """
    blocks = [range(a, min(a + BLOCK, total)) for a in range(0, total, BLOCK)]
    return np.concatenate(list((pool.map if pool else map)(work, blocks)))
