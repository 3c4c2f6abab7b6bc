"""Shares with logit intervals, 100 areas and 100,000 persons, 30 questions: svy."""

from __future__ import annotations

import importlib.metadata

import numpy as np
from common import race, setting

from tryggstat.survey import Design, Estimates, estimate

ROWS, QUESTIONS = 100_000, 30


def sample() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the design's columns and the answers, 0 or 1."""
    rng = np.random.default_rng(1)
    columns = {
        "area": rng.integers(0, 100, ROWS),
        "stratum": rng.integers(0, 40, ROWS),
        "w": rng.uniform(1, 5, ROWS),
    }
    chance = rng.uniform(0.05, 0.6, QUESTIONS)
    answers = {
        f"q{i}": (rng.random(ROWS) < p).astype(np.int64) for i, p in enumerate(chance)
    }
    return columns, answers


def main() -> None:
    """Check that both agree, then race one question, and all of ours against one."""
    t, answers = sample()

    def ours(questions: dict[str, np.ndarray]) -> Estimates:
        design = Design(t["w"], stratum=t["stratum"])
        return estimate(design, questions, kind="share", by={"area": t["area"]})

    one = {"q0": answers["q0"]}
    peer = None
    peers = []
    try:
        import polars as pl
        import svy
    except ImportError:
        print("# svy is not installed: ours alone")
    else:
        peers.append(f"svy {importlib.metadata.version('svy')}")
        frame = pl.DataFrame({**t, **one})

        def peer() -> pl.DataFrame:
            design = svy.Design(stratum="stratum", wgt="w")
            drawn = svy.Sample(data=frame, design=design)
            return drawn.estimation.prop(y="q0", by="area").to_polars()

        yes = pl.col("q0").cast(int) == 1
        other = peer().filter(yes).sort(pl.col("area").cast(int))
        own = ours(one)
        for column, figure in (("est", own.estimate), ("se", own.se), ("lci", own.low)):
            np.testing.assert_allclose(figure, other[column].to_numpy(), rtol=1e-9)
    setting(*peers)
    race("share_1_question", lambda: ours(one), peer)
    race("share_30_questions_against_1", lambda: ours(answers), peer)


if __name__ == "__main__":
    main()
