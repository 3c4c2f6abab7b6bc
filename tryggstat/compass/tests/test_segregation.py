import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryggstat.compass import (
    exposure,
    multigroup_segregation,
    segregation,
    spatial_dissimilarity,
)
from tryggstat.compass.segregation import _expected_dissimilarity

REFERENCE = Path(os.environ.get("TRYGG_REFERENCE", "../shared/reference"))
FOLDER = REFERENCE / "segregation"
needs_reference = pytest.mark.skipif(
    not FOLDER.exists(), reason="no reference cases (TRYGG_REFERENCE)"
)

people = st.lists(
    st.integers(1, 400).flatmap(lambda t: st.tuples(st.integers(0, t), st.just(t))),
    min_size=2,
    max_size=20,
).filter(lambda areas: 0 < sum(x for x, _ in areas) < sum(t for _, t in areas))


def test_a_case_worked_by_hand():
    # 30 of 40 and 10 of 60: X = 40, Y = 60, P = 0.4, p = 0.75 and 1/6
    found = segregation([30, 10], [40, 60])
    np.testing.assert_allclose(
        found.dissimilarity, (0.75 - 10 / 60 + 50 / 60 - 0.25) / 2
    )
    np.testing.assert_allclose(found.isolation, 0.75 * 0.75 + 0.25 / 6)
    np.testing.assert_allclose(found.interaction, 1 - found.isolation)
    np.testing.assert_allclose(found.eta_squared, (found.isolation - 0.4) / 0.6)
    # one pair of areas, counted twice: 2 * 40 * 60 * (0.75 - 1/6) / (2 * 100^2 * 0.24)
    np.testing.assert_allclose(found.gini, 2400 * (0.75 - 1 / 6) / 2400)
    half = 40 * 0.25**0.5 * 0.75**0.5 + 60 * (5 / 36) ** 0.5
    np.testing.assert_allclose(found.atkinson, 1 - 0.4 / 0.6 * (half / 40) ** 2)
    most = 40 * 0.25**0.8 * 0.75**0.2 + 60 * (5 / 6) ** 0.8 * (1 / 6) ** 0.2
    averse = segregation([30, 10], [40, 60], inequality_aversion=0.2).atkinson
    np.testing.assert_allclose(averse, 1 - 0.4 / 0.6 * (most / 40) ** (1 / 0.8))
    whole = -0.4 * np.log(0.4) - 0.6 * np.log(0.6)
    parts = -0.4 * (0.75 * np.log(0.75) + 0.25 * np.log(0.25)) - 0.6 * (
        np.log(1 / 6) / 6 + 5 / 6 * np.log(5 / 6)
    )
    np.testing.assert_allclose(found.entropy, 1 - parts / whole)


def test_areas_that_are_alike_and_groups_that_live_apart_are_the_two_ends():
    alike = segregation([10, 20, 30], [100, 200, 300])
    apart = segregation([100, 0, 300], [100, 200, 300])
    for name in ("dissimilarity", "eta_squared", "gini", "entropy", "atkinson"):
        assert abs(getattr(alike, name)) < 1e-12
        assert abs(getattr(apart, name) - 1) < 1e-12


@given(people)
def test_what_a_group_meets_is_itself_or_others(areas):
    x, t = np.array(areas).T
    found = segregation(x, t)
    assert abs(found.isolation + found.interaction - 1) < 1e-9
    np.testing.assert_allclose(exposure(x, t - x, t), found.interaction, rtol=1e-9)


@given(people)
def test_splitting_an_area_into_equal_halves_changes_no_index(areas):
    x, t = np.array(areas, dtype=float).T
    whole, halves = segregation(x, t), segregation(np.r_[x, x] / 2, np.r_[t, t] / 2)
    for name in ("dissimilarity", "isolation", "gini", "entropy", "atkinson"):
        one, other = getattr(whole, name), getattr(halves, name)
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@given(people)
def test_dissimilarity_is_the_same_for_the_group_and_for_all_others(areas):
    x, t = np.array(areas, dtype=float).T
    one, other = segregation(x, t), segregation(t - x, t)
    for name in ("dissimilarity", "gini", "entropy", "eta_squared"):
        first, second = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-10)


def test_two_groups_of_a_table_are_one_group_and_the_rest():
    x, t = np.array([3.0, 20, 0, 41]), np.array([30.0, 50, 0, 60])
    one, both = segregation(x, t), multigroup_segregation(np.column_stack([x, t - x]))
    np.testing.assert_allclose(both.dissimilarity, one.dissimilarity)
    np.testing.assert_allclose(both.gini, one.gini)
    np.testing.assert_allclose(both.information_theory, one.entropy)
    np.testing.assert_allclose(both.normalised_exposure, one.eta_squared)


def test_chance_alone_gives_what_is_expected_of_it():
    rng = np.random.default_rng(1)
    t = np.array([12, 30, 7, 50, 21])
    draws = rng.multivariate_hypergeometric(t, 40, size=20_000)
    found = [segregation(x, t) for x in draws[:4000]]

    simulated = [f.dissimilarity for f in found]
    error = np.std(simulated) / np.sqrt(len(found))
    assert abs(np.mean(simulated) - found[0].dissimilarity_by_chance) < 5 * error
    simulated = [f.eta_squared for f in found]
    error = np.std(simulated) / np.sqrt(len(found))
    assert abs(np.mean(simulated) - found[0].eta_squared_by_chance) < 5 * error


def test_expected_dissimilarity_in_a_case_worked_by_hand():
    # Two areas of 2, two members: (2, 0) in 1 of 6 deals, (0, 2) in 1, (1, 1) in 4:
    # D is 1, 1 and 0, so 1/3 on average.
    np.testing.assert_allclose(_expected_dissimilarity(np.array([2.0, 2]), 2), 1 / 3)


def test_small_areas_without_any_pattern_are_corrected_to_about_nothing():
    rng = np.random.default_rng(3)
    t = rng.integers(5, 40, 200)
    x = rng.multivariate_hypergeometric(t, int(t.sum() * 0.1))
    found = segregation(x, t)
    assert found.dissimilarity > 0.2
    assert abs(found.dissimilarity_corrected) < 0.05
    assert abs(found.eta_squared_corrected) < 0.02


def test_borders_between_unlike_areas_lessen_the_dissimilarity():
    # Shares 1, 1, 0, 0 in a row: D = 1; of three borders one is between unlike areas,
    # so 1 - 1/3. In the order 1, 0, 1, 0 all three are: 0.
    focal, neighbour = [0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]
    apart = spatial_dissimilarity([5, 5, 0, 0], [5] * 4, focal, neighbour)
    mixed = spatial_dissimilarity([5, 0, 5, 0], [5] * 4, focal, neighbour)
    np.testing.assert_allclose([apart, mixed], [2 / 3, 0], atol=1e-12)
    with pytest.raises(ValueError, match="no neighbours"):
        spatial_dissimilarity([5, 0], [5, 5], [], [])


@needs_reference
@pytest.mark.parametrize("group", ["g2", "g4"])
def test_agrees_with_pysal_segregation_for_one_group(group):
    table = np.genfromtxt(FOLDER / "segregation_counts.csv", delimiter=",", names=True)
    expected = json.loads((FOLDER / "expected_segregation.json").read_text())[group]
    found = segregation(table[group], table["total"])
    names = {
        "dissim": "dissimilarity",
        "eta2": "eta_squared",
        "atkinson_b05": "atkinson",
    }
    for name, value in expected["pysal"].items():
        ours = getattr(found, names.get(name, name))
        np.testing.assert_allclose(ours, value, rtol=1e-10, err_msg=name)


@needs_reference
def test_agrees_with_pysal_segregation_for_several_groups():
    table = np.genfromtxt(FOLDER / "segregation_counts.csv", delimiter=",", names=True)
    expected = json.loads((FOLDER / "expected_segregation.json").read_text())
    found = multigroup_segregation(
        np.column_stack([table[name] for name in ("g1", "g2", "g3", "g4")])
    )
    names = {
        "MultiDissim": found.dissimilarity,
        "MultiInfoTheory": found.information_theory,
        "MultiGini": found.gini,
        "MultiDiversity": found.diversity,
        "SimpsonsInteraction": found.interaction,
        "MultiNormExposure": found.normalised_exposure,
    }
    for name, value in expected["multigroup"].items():
        np.testing.assert_allclose(names[name], value, rtol=1e-10, err_msg=name)


def test_segregation_and_index_need_no_scipy_and_no_numba():
    code = (
        "import sys; from tryggstat.compass import *; segregation([3, 10], [40, 60]); "
        "composite_index([[1], [2], [4]], [Indicator('a')]); "
        "print({'scipy', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: segregation([1, 2], [3]), "equally long"),
        (lambda: segregation([1, 5], [3, 4]), "group of area 1 is not between"),
        (lambda: segregation([0, 0], [3, 4]), "somebody must belong"),
        (lambda: segregation([3, 4], [3, 4]), "somebody must not"),
        (lambda: segregation([1, 0], [3, 4], inequality_aversion=1), "between 0 and 1"),
        (lambda: exposure([1], [1, 2], [3, 4]), "equally long"),
        (lambda: exposure([1, 1], [1, 5], [3, 4]), "0 to their total"),
        (lambda: multigroup_segregation([[1, -1], [2, 2]]), "0 or more"),
        (lambda: multigroup_segregation([[1, 0], [2, 0]]), "two groups or more"),
    ],
)
def test_refuses_impossible_counts(call, message):
    with pytest.raises(ValueError, match=message):
        call()
