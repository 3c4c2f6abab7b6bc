"""
Complementary suppression: ours against pytauargus (the methods of tau-ARGUS).

A seeded table of 61 areas, 12 answers and 3 groups with all its margins. The peer keeps
a small count uncertain by 1 up and 1 down, so its rule is matched by a window of 2; our
own default of 5 is timed beside it without a peer. An independent audit first checks
what both leave open to an attacker, and prints how many cells each hides.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import numpy as np

SHAPE = (61, 12, 3)
THRESHOLD = 5


def main() -> None:
    """Compare hidden cells, then the time."""
    scratch = tempfile.mkdtemp()  # the peer leaves cells behind, also where it is run
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    home = Path.cwd()
    os.chdir(scratch)
    try:
        compare(scratch)
    finally:
        os.chdir(home)
        shutil.rmtree(scratch)


def compare(scratch: str) -> None:
    """Run both on the same table."""
    from common import race, setting
    from pytauargus import protect as peer

    from tryggstat.disclosure import Protection, Rules, Table, linked_tables, protect
    from tryggstat.disclosure.audit import Attacker, relation_matrix
    from tryggstat.disclosure.suppression import Method

    counts = made_up()
    names = [
        [f"{v}{i:02}" for i in range(n)] for v, n in zip("abc", SHAPE, strict=True)
    ]
    linked = linked_tables([Table(dict(zip("abc", names, strict=True)), counts)])
    small = Rules(THRESHOLD).small(linked.counts)
    targets = np.flatnonzero(small)
    where = np.repeat(np.argwhere(counts > 0), counts[counts > 0], axis=0)
    records: dict[str, list[object]] = {
        v: [names[axis][i] for i in where[:, axis]] for axis, v in enumerate("abc")
    }
    records["one"] = [1.0] * len(where)

    def theirs(method: str) -> Any:
        return peer(
            records,
            ["a", "b", "c"],
            response="one",
            safety_rules=f"FREQ({THRESHOLD},20)",
            suppress=method,
            workdir=scratch,
        )

    def ours(window: int, method: Method) -> Protection:
        rules = Rules(THRESHOLD, window=window)
        return protect(
            linked.counts, linked.relations, rules=rules, method=method, audit=False
        )

    def narrowest(hidden: np.ndarray) -> float:
        attacker = Attacker(
            relation_matrix(hidden.size, linked.relations),
            np.where(hidden, linked.counts, 0.0),
            np.where(hidden, np.inf, 0.0),
        )
        return min(attacker.window(int(t), enough=THRESHOLD) for t in targets)

    setting(f"pytauargus {version('pytauargus')}")
    print(f"# {linked.counts.size} cells, {targets.size} small ones")
    hidden = np.zeros(small.size, dtype=bool)
    for row in theirs("OPT(5)").tables[0].rows:
        if row["status"] in ("U", "M"):
            levels = {v: row[v] for v in "abc" if row[v] != "Total"}
            hidden[linked.cell(levels)] = True
    print(f"# peer hides {hidden.sum()}, narrowest window {narrowest(hidden):g}")
    for window in (2, THRESHOLD):
        for method in get_args(Method):
            p = ours(window, method)
            found = p.certificate
            print(
                f"# ours ({method}, window {window}) hides {(~p.published).sum()}, "
                f"narrowest window {narrowest(~p.published):g}, secondary cost "
                f"{found['cost']:.1f}, any safe choice at least "
                f"{found['cost_at_least']:.1f}"
            )
            assert narrowest(~p.published) >= window
    race(
        "suppression, window 2, optimal",
        lambda: ours(2, "optimal"),
        lambda: theirs("OPT(5)"),
        rounds=5,
    )
    race(
        "suppression, window 2, heuristic",
        lambda: ours(2, "heuristic"),
        lambda: theirs("MOD(1)"),
        rounds=5,
    )
    race("suppression, window 5, heuristic", lambda: ours(5, "heuristic"), rounds=3)


def made_up() -> np.ndarray:
    """Return counts of areas, answers and groups of different sizes."""
    random = np.random.default_rng(1)
    expected = np.ones(SHAPE)
    for axis, (size, spread) in enumerate(zip(SHAPE, (2, 2, 4), strict=True)):
        effect = random.gamma(spread, 1, size)
        expected *= np.expand_dims(effect, [a for a in range(3) if a != axis])
    return random.poisson(expected * 8 / expected.mean())


if __name__ == "__main__":
    main()
