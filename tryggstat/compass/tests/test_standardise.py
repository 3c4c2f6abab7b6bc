import numpy as np
import pytest

from tryggstat.compass import standardise


def test_a_case_worked_by_hand_with_people_as_weights():
    # weights 3/4, 1/4: mean 1.5, variance 3/4 * 0.25 + 1/4 * 2.25 = 0.75
    z = standardise([[1.0], [3.0]], population=[300, 100]).ravel()
    np.testing.assert_allclose(z, np.array([-0.5, 1.5]) / np.sqrt(0.75))


def test_a_logarithm_makes_the_unit_of_money_irrelevant():
    incomes = np.array([[200.0], [260.0], [410.0]])
    np.testing.assert_allclose(
        standardise(incomes, transform=["log"]),
        standardise(incomes * 1000, transform=["log"]),
    )


def test_a_share_of_none_has_a_logit_when_the_population_is_known():
    # log(0.5 / 100.5) and log(50.5 / 50.5) = 0 lie on either side of their mean
    z = standardise([[0.0], [0.5]], [100, 100], ["logit"])
    np.testing.assert_allclose(z.ravel(), [-1, 1])
    with pytest.raises(ValueError, match="no logit without a population"):
        standardise([[0.0], [0.5]], transform=["logit"])


def test_shares_and_their_complements_are_mirror_images():
    shares = np.array([[0.0], [0.2], [0.7]])
    z = standardise(shares, [90, 100, 110], ["logit"])
    np.testing.assert_allclose(standardise(1 - shares, [90, 100, 110], ["logit"]), -z)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([[1.0], [np.nan]], {}, "area 1 in column 0 is missing"),
        ([[1.0, 2.0], [2.0, 2.0]], {}, "column 1 is the same in all areas"),
        ([[1.0], [2.0]], {"population": [5, 0]}, "above 0"),
        ([[1.0], [2.0]], {"population": [5]}, "shape"),
        ([[0.0], [2.0]], {"transform": ["log"]}, "no logarithm"),
        ([[0.5], [2.0]], {"population": [5, 5], "transform": ["logit"]}, "0 to 1"),
        ([[1.0], [2.0]], {"transform": ["root"]}, "one of none, log, logit"),
        ([[1.0], [2.0]], {"transform": ["log", "log"]}, "must name 1"),
        ([1.0, 2.0], {}, "two areas"),
    ],
)
def test_refuses_what_cannot_be_standardised(values, options, message):
    with pytest.raises(ValueError, match=message):
        standardise(values, **options)
