"""Small maps, and the reference cases where they are at hand."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from tryggstat.spatial import neighbour_pairs

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / os.environ.get("TRYGG_REFERENCE", "../shared/reference")


@pytest.fixture
def row():
    """Four areas in a row."""
    return neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)


@pytest.fixture
def odd():
    """Six areas with one-sided and unequal links, and an island."""
    focal = [0, 0, 1, 2, 2, 3, 4, 4]
    other = [1, 2, 0, 3, 4, 1, 0, 3]
    return neighbour_pairs(focal, other, 6, [1, 2, 0.5, 1, 1, 3, 1, 0.25])


@pytest.fixture(scope="session")
def town():
    """A map of 20 x 20 squares, neighbours by edge or corner, rows that sum to 1."""
    i, j = np.divmod(np.arange(400), 20)
    near = (abs(i[:, None] - i) <= 1) & (abs(j[:, None] - j) <= 1)
    np.fill_diagonal(near, False)
    focal, other = near.nonzero()
    return neighbour_pairs(focal, other, 400).row_standardised()


class Columbus:
    """Columbus, Ohio: 49 areas, as R spdep saw them."""

    def __init__(self, folder):
        self.folder = folder
        self.expected = json.loads((folder / "expected.json").read_text())
        with (folder / "columbus.csv").open() as file:
            self.rows = list(csv.DictReader(file))

    def column(self, name):
        return np.array([float(row[name]) for row in self.rows])

    def neighbours(self, kind):
        with (self.folder / f"columbus_{kind}.csv").open() as file:
            pairs = [(int(r["i"]) - 1, int(r["j"]) - 1) for r in csv.DictReader(file)]
        return neighbour_pairs(*np.transpose(pairs), len(self.rows))

    def styled(self, style):
        queen = self.neighbours("queen")
        return queen.row_standardised() if style == "W" else queen


@pytest.fixture(scope="session")
def columbus():
    folder = REFERENCE / "spatial"
    if not (folder / "expected.json").exists():
        pytest.skip(f"no reference cases at {folder} (TRYGG_REFERENCE)")
    return Columbus(folder)
