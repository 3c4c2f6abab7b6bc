"""Replicates on one core, threads, processes or a cluster: the same numbers always."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 32  # replicates in one piece of work
PATIENCE = 3  # seconds that a scheduler has to answer

Work = Callable[[range], NDArray[np.float64]]


def streams(seed: int, numbers: range) -> Iterator[np.random.Generator]:
    """
    Yield the random numbers of each replicate, whoever draws them and when.

    Parameters
    ----------
    seed : int from 0 to 2**64 - 1
        The seed of the whole job.
    numbers : range
        The replicates.

    Yields
    ------
    numpy.random.Generator
        The same object every time, set to the replicate's stream: draw all that is
        needed before asking for the next.

    Notes
    -----
    Philox is a counter-based generator; its key is (seed, number of the replicate), so
    a stream depends on nothing else.

    References
    ----------
    Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3. SC'11.

    Examples
    --------
    >>> alone = [stream.random() for stream in streams(1, range(3, 4))]
    >>> alone == [stream.random() for stream in streams(1, range(5))][3:4]
    True
    """
    bits = np.random.Philox(key=0)
    generator = np.random.Generator(bits)
    fresh = bits.state  # counter and buffers as they are before the first draw
    for number in numbers:
        fresh["state"]["key"][:] = seed, number
        bits.state = fresh
        yield generator


def replicates(
    work: Work, total: int, *, pool: Executor | None = None
) -> NDArray[np.float64]:
    """
    Run work over the numbers from 0 to total - 1 and join the results in that order.

    Parameters
    ----------
    work : callable
        Takes a range of numbers, returns an array with one row for each. A row must
        depend on its number alone, and be picklable for processes and clusters.
    total : int
        How many.
    pool : concurrent.futures.Executor, optional
        Threads, processes (spawned) or a cluster. None means here and now.

    Returns
    -------
    array, shape (total, ...)
        The rows; the same bytes whatever the pool.

    Examples
    --------
    >>> replicates(lambda numbers: np.array([n * n for n in numbers]), 4).tolist()
    [0, 1, 4, 9]
    """
    blocks = [range(a, min(a + BLOCK, total)) for a in range(0, total, BLOCK)]
    return np.concatenate(list((pool.map if pool else map)(work, blocks)))


@contextmanager
def workers(number: int = 1, scheduler: str | None = None) -> Iterator[Executor | None]:
    """
    Open a pool for `replicates`, and close it again.

    Parameters
    ----------
    number : int, default 1
        Threads on this machine; 1 means none besides this one.
    scheduler : str, optional
        The address of a Dask scheduler, which then does the work.

    Yields
    ------
    concurrent.futures.Executor or None
        What `replicates` takes as its pool.

    Raises
    ------
    ConnectionError
        The scheduler does not answer or has no workers, or Dask is not installed
        (`pip install trygg[cluster]`).

    Examples
    --------
    >>> with workers(2) as pool:
    ...     replicates(lambda numbers: np.array([n / 2 for n in numbers]), 3, pool=pool)
    array([0. , 0.5, 1. ])
    """
    if scheduler:
        with _connected(scheduler) as client:
            yield _Cluster(client)
    elif number > 1:
        with ThreadPoolExecutor(number) as pool:
            yield pool
    else:
        yield None


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    """Open a client of a Dask scheduler that has workers."""
    try:
        from dask.distributed import Client
    except ImportError:
        raise ConnectionError(
            f"the scheduler {scheduler} needs Dask: pip install trygg[cluster]"
        ) from None
    with ExitStack() as stack:
        try:
            client = stack.enter_context(Client(scheduler, timeout=PATIENCE))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError) as problem:
            raise ConnectionError(
                f"the scheduler {scheduler} does not answer: {problem}"
            ) from None
        yield client


class _Cluster(Executor):
    """A Dask cluster: its own executor would send the data again with every block."""

    def __init__(self, client: Any) -> None:
        """Use a client that somebody else closes."""
        self.client = client

    def map(self, fn: Callable[..., Any], *iterables: Any, **_: Any) -> Iterator[Any]:
        """Send the work, and what it holds, once to every worker; gather in order."""
        sent = self.client.scatter(fn, broadcast=True, hash=False)
        submit = partial(self.client.submit, _call, sent, pure=False)
        futures = [submit(*one) for one in zip(*iterables, strict=True)]
        return iter(self.client.gather(futures))


def _call(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)
