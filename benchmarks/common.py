"""Run ours and a peer turn about, and print one line."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def race(
    name: str,
    ours: Callable[[], object],
    peer: Callable[[], object] | None = None,
    *,
    rounds: int = 7,
) -> None:
    """Print `name  ours  peer  ratio`: medians in seconds, `-` without a peer."""
    ours()  # compiled and cached before the clock starts
    own, other = [], []
    for _ in range(rounds):
        own.append(seconds(ours))
        if peer:
            other.append(seconds(peer))
    median = statistics.median(own)
    if not peer:
        print(f"{name}  {median:.5f}  -  -", flush=True)
        return
    theirs = statistics.median(other)
    print(f"{name}  {median:.5f}  {theirs:.5f}  {theirs / median:.1f}", flush=True)


def setting(*peers: str) -> None:
    """Print what the figures were made with: cores and the peers' versions."""
    print(f"# {os.cpu_count()} cores; {', '.join(peers) or 'no peer'}", flush=True)
