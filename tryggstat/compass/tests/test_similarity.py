import numpy as np
import pytest

from tryggstat.compass import similar, standardise


def test_a_case_worked_by_hand():
    # column a has sd 2, column b sd 4: standardised differences from area 0 are
    # (1, 0), (0, 1.5), (2, 2) in some order of rows
    a, b = np.array([0, 4, 0, 4.0]), np.array([0, 0, 8, 8.0])
    found = similar(np.column_stack([a, b]), to=0, k=3)

    assert found.areas.tolist() == [1, 2, 3]
    np.testing.assert_allclose(found.difference, [[2, 0], [0, 2], [2, 2]])
    np.testing.assert_allclose(found.distance, [np.sqrt(2), np.sqrt(2), 2])


def test_says_what_differs_most_and_which_way():
    found = similar([[1, 5.0, 3], [1.1, 1.0, 3.1], [9, 9, 9.0]], to=0, k=1)
    ((name, difference),) = found.differs(["a", "b", "c"], most=1)[0]
    assert name == "b"
    assert difference < 0


def test_the_area_itself_is_not_its_own_neighbour_even_when_others_are_alike():
    values = np.array([[1.0], [1.0], [1.0], [2.0]])
    assert similar(values, to=1, k=3).areas.tolist() == [0, 2, 3]


def test_mahalanobis_distance_does_not_change_when_variables_are_mixed():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, 3))
    mixed = values @ np.array([[1, 2, 0], [0, 1, 3], [1, 0, 1.0]])
    one = similar(values, to=4, k=29, metric="mahalanobis")
    other = similar(mixed, to=4, k=29, metric="mahalanobis")

    np.testing.assert_allclose(one.distance, other.distance)
    assert one.areas.tolist() == other.areas.tolist()
    plain = similar(mixed, to=4, k=29)
    assert plain.areas.tolist() != other.areas.tolist()


def test_mahalanobis_counts_a_repeated_variable_once():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(50, 2))
    near = np.column_stack([values, values[:, 0] + 1e-3 * rng.normal(size=50)])
    persons = rng.integers(500, 2500, 50)
    found = similar(near, 0, 49, persons, metric="mahalanobis")
    z = standardise(near, persons)
    inverse = np.linalg.inv((z * persons[:, None]).T @ z / persons.sum())
    d = z[found.areas] - z[0]
    expected = np.sqrt(np.einsum("ij,jk,ik->i", d, inverse, d) / 3)
    np.testing.assert_allclose(found.distance, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": 3}, "to must be a row from 0 to 2"),
        ({"to": -1}, "to must be a row"),
        ({"to": 0, "k": 3}, "k must be 1 to 2"),
        ({"to": 0, "k": 1, "metric": "cosine"}, "standardised or mahalanobis"),
        ({"to": 0, "k": 1, "metric": "mahalanobis"}, "leave one out"),
    ],
)
def test_refuses_what_cannot_be_compared(options, message):
    with pytest.raises(ValueError, match=message):
        similar([[1.0, 2.0], [2.0, 4.0], [4.0, 8.0]], **options)
