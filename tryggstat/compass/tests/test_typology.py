from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryggstat.compass import silhouette, typology
from tryggstat.compass._kmeans import kmeans
from tryggstat.compass._ward import ward, ward_plain
from tryggstat.parallel import streams


@pytest.fixture(scope="module")
def three_groups():
    """30, 20 and 10 areas far apart, in mixed order, and the group of each."""
    rng = np.random.default_rng(7)
    group = rng.permutation(np.repeat([0, 1, 2], [30, 20, 10]))
    return rng.normal(size=(60, 4)) + 8 * group[:, None], group


@pytest.fixture(scope="module")
def gradual():
    return np.random.default_rng(3).normal(size=(80, 4))


# --- Ward's tree ---


def test_ward_joins_what_costs_least_in_a_case_worked_by_hand():
    # {0, 1} costs 1/2; {5, 7} costs 4/2 = 2; then 2*2/4 * (6 - 0.5)^2 = 30.25
    tree = ward_plain(np.array([[0.0], [1.0], [5.0], [7.0]]))
    np.testing.assert_allclose(tree.cost, [0.5, 2, 30.25])
    np.testing.assert_allclose(tree.within(4), [32.75, 2.5, 0.5])
    assert tree.cut(2).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_the_kernel_and_scipy_build_the_same_tree(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(200, 5)) * [3, 1, 1, 0.5, 0.1] + rng.integers(
        0, 3, (200, 1)
    )
    monkeypatch.setattr("tryggstat.compass._ward.SMALL", 0)
    fast, plain = ward(points), ward_plain(points)

    np.testing.assert_allclose(fast.cost, plain.cost, rtol=1e-12)
    for k in range(1, 201, 13):
        assert (fast.cut(k) == plain.cut(k)).all()


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=30)
)
def test_the_kernel_copes_with_areas_that_are_alike(pairs):
    from tryggstat.compass._ward_kernel import ward_mergers

    points = np.array(pairs, dtype=float)
    cost = ward_mergers(points)[2]

    scatter = ((points - points.mean(axis=0)) ** 2).sum()
    np.testing.assert_allclose(cost.sum(), scatter, atol=1e-9)


# --- the groups ---


@pytest.mark.parametrize("method", ["ward", "kmeans"])
def test_groups_that_are_there_are_found_and_stable(three_groups, method):
    values, group = three_groups
    found = typology(values, groups=3, method=method)

    assert (found.labels == group).all()  # the largest group is number 0
    assert found.sizes.tolist() == [30, 20, 10]
    assert (found.stability > 0.99).all()
    assert found.silhouette_mean > 0.7
    assert found.moved == ()


def test_groups_cut_out_of_gradual_differences_are_not_stable(gradual):
    found = typology(gradual, groups=6)
    assert found.stability.max() < 0.75


def test_stability_of_a_whole_is_hand_made():
    # Two far pairs: whenever both pairs are drawn they are found again, and a sample
    # with one pair only splits it. Drawn n of 4 with one pair whole and the other
    # absent the Jaccard similarity is 1/2.
    values = [[0.0], [0.1], [9.0], [9.1]]
    found = typology(values, groups=2, bootstraps=400, seed=3)
    split = whole = 0
    for generator in streams(3, range(1, 401)):
        drawn = set((generator.random(4) * 4).astype(int).tolist())
        whole += bool(drawn & {0, 1})
        split += drawn == {0, 1}
    np.testing.assert_allclose(found.stability[0], 1 - 0.5 * split / whole)


def test_membership_shares_sum_to_one(gradual):
    found = typology(gradual, groups=4)
    np.testing.assert_allclose(found.membership.sum(axis=1), 1)


def test_the_numbers_do_not_depend_on_threads_or_processes(gradual):
    alone = typology(gradual, groups=4, bootstraps=70)
    with ThreadPoolExecutor(3) as pool:
        threads = typology(gradual, groups=4, bootstraps=70, pool=pool)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        processes = typology(gradual, groups=4, bootstraps=70, pool=pool)

    for other in (threads, processes):
        assert (other.stability == alone.stability).all()
        assert (other.membership == alone.membership).all()


def test_another_seed_draws_other_samples(gradual):
    one, two = (typology(gradual, groups=4, seed=seed) for seed in (1, 2))
    assert (one.labels == two.labels).all()
    assert (one.stability != two.stability).all()


def test_people_decide_what_is_average_but_not_who_belongs_together(three_groups):
    values, _ = three_groups
    persons = np.linspace(500, 3000, 60)
    weighted = typology(values, persons, groups=3, bootstraps=0)
    np.testing.assert_allclose(persons @ weighted.standardised, 0, atol=1e-8)
    assert weighted.sizes.tolist() == [30, 20, 10]


def test_without_bootstraps_stability_is_unknown(three_groups):
    found = typology(three_groups[0], groups=3, bootstraps=0)
    assert np.isnan(found.stability).all()
    assert np.isnan(found.membership).all()


# --- a former typology ---


def test_groups_keep_the_numbers_they_had(three_groups):
    values, group = three_groups
    previous = np.array([2, 0, 1])[group]
    found = typology(values, groups=3, previous=previous)

    assert (found.labels == previous).all()
    assert found.former.tolist() == [0, 1, 2]
    assert found.moved == ()


def test_an_area_that_changed_group_is_said_to_have_moved(three_groups):
    values, group = three_groups
    previous = group.copy()
    mover = int(np.flatnonzero(group == 2)[0])
    previous[mover] = 0
    (move,) = typology(values, groups=3, previous=previous).moved

    assert (move.area, move.was, move.now) == (mover, 0, 2)
    assert move.probability == 1


def test_an_area_between_two_groups_moves_with_doubt():
    rng = np.random.default_rng(5)
    values = np.r_[rng.normal(0, 1, 20), rng.normal(10, 1, 20), 4.8][:, None]
    previous = np.repeat([0, 1, 0], [20, 20, 1])
    found = typology(values, groups=2, previous=previous, bootstraps=200)

    (move,) = found.moved
    assert move.area == 40
    assert 0.2 < move.probability < 0.95


def test_areas_without_a_former_group_never_move(three_groups):
    values, _ = three_groups
    found = typology(values, groups=3, previous=np.full(60, -1))
    assert found.former.tolist() == [-1, -1, -1]
    assert found.moved == ()


def test_former_numbers_that_are_no_longer_used_are_replaced(three_groups):
    values, group = three_groups
    previous = np.array([7, 8, 1])[group]
    found = typology(values, groups=3, previous=previous)

    assert set(found.labels) == {0, 1, 2}
    assert set(found.labels[group == 2]) == {1}  # the number that still exists
    assert sorted(found.former) == [1, 7, 8]
    assert found.moved == ()


def test_a_group_more_than_before_is_new(three_groups):
    values, group = three_groups
    previous = np.minimum(group, 1)  # groups 1 and 2 were one
    found = typology(values, groups=3, previous=previous)

    assert found.former.tolist() == [0, 1, -1]
    assert (found.labels == group).all()
    assert {move.area for move in found.moved} == set(np.flatnonzero(group == 2))


# --- words and figures about groups ---


def test_the_profile_names_what_stands_out_largest_first():
    values = np.array([[0, 5.0, 1], [0, 5.1, 0], [0, 5.2, 1], [3, 1.0, 0], [3, 1.2, 1]])
    found = typology(values, groups=2, bootstraps=0)
    assert [name for name, _ in found.profile(["a", "b", "c"])[1]] == ["a", "b"]
    assert found.words(["rents", "incomes", "age"], "en") == [
        "Higher: incomes; lower: rents.",
        "Higher: rents; lower: incomes.",
    ]


def test_a_mean_far_from_average_is_called_much_higher_or_lower():
    values = np.r_[np.zeros(9), 5.0, 5.1][:, None]
    (_, far) = typology(values, groups=2, bootstraps=0).words(["rents"])
    (_, low) = typology(-values, groups=2, bootstraps=0).words(["rents"])
    assert (far, low) == ("Mycket högre: rents.", "Mycket lägre: rents.")


def test_a_group_like_the_rest_is_said_to_be_average():
    values = np.array([-3.0, -3.0, 3.0, 3.0, 0, 0, 0])[:, None]
    found = typology(values, groups=3, bootstraps=0)
    assert found.words(["x"])[0] == "Nära genomsnittet i allt."


def test_silhouette_is_zero_for_an_area_alone():
    # point 0: a = 1, b = 9, (9 - 1) / 9; point 1: a = 1, b = 8
    np.testing.assert_allclose(
        silhouette([[0.0], [1.0], [9.0]], [0, 0, 1]), [8 / 9, 7 / 8, 0]
    )


def test_silhouette_in_blocks_is_the_same_as_all_at_once():
    rng = np.random.default_rng(2)
    points, labels = rng.normal(size=(600, 3)), rng.integers(0, 4, 600)
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    expected = np.empty(600)
    for i in range(600):
        own = labels == labels[i]
        a = apart[i, own].sum() / (own.sum() - 1)
        b = min(apart[i, labels == g].mean() for g in range(4) if g != labels[i])
        expected[i] = (b - a) / max(a, b)
    np.testing.assert_allclose(silhouette(points, labels), expected, rtol=1e-9)


def test_kmeans_finds_the_least_sum_of_squares_of_all_divisions():
    points = np.random.default_rng(4).normal(size=(9, 2))

    def within(labels):
        return sum(
            ((points[labels == g] - points[labels == g].mean(axis=0)) ** 2).sum()
            for g in set(labels)
        )

    divisions = ([i >> j & 1 for j in range(9)] for i in range(1, 511))
    best = min(within(np.array(labels)) for labels in divisions)
    found = kmeans(points, 2, next(streams(1, range(1))))
    np.testing.assert_allclose(within(found), best)


def test_the_streams_are_those_that_stored_results_came_from(gradual):
    found = typology(gradual, groups=3, bootstraps=32, seed=1)
    first = next(streams(1, range(1, 2))).random(3)
    np.testing.assert_allclose(first, [0.075151151096, 0.983795133486, 0.947413547269])
    np.testing.assert_allclose(
        found.stability, [0.644345725567, 0.530066755194, 0.562799549946]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 1}, "groups must be 2 to 3"),
        ({"groups": 4}, "groups must be 2 to 3"),
        ({"groups": 2, "method": "single"}, "ward or kmeans"),
        ({"groups": 2, "bootstraps": -1}, "0 or more"),
        ({"groups": 2, "previous": [0, 1]}, "4 whole numbers"),
        ({"groups": 2, "previous": [0.5, 1, 0, 0]}, "4 whole numbers"),
    ],
)
def test_refuses_what_makes_no_typology(options, message):
    with pytest.raises(ValueError, match=message):
        typology([[0.0], [1.0], [5.0], [6.0]], **options)
