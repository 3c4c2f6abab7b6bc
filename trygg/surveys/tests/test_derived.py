"""What follows from answers, against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from trygg.surveys.derived import derive, insecurity, problem_index


@pytest.mark.parametrize(
    ("alone", "reason", "insecure"),
    [
        ("1", "", "no"),
        ("2", "", "no"),
        ("3", "", "yes"),
        ("4", "", "yes"),
        ("5", "unsafe", "yes"),
        ("5", "other", "no"),
        ("5", "", ""),
        ("", "", ""),
        ("1", "unsafe", "no"),  # the reason counts only for those who stay in
    ],
)
def test_insecurity_is_feeling_unsafe_or_staying_in_because_of_it(
    alone, reason, insecure
):
    answers = {
        "safety_alone": np.array([alone]),
        "stays_in_reason": np.array([reason]),
    }
    assert insecurity(answers).tolist() == [insecure]


def test_the_problem_index_is_the_mean_of_what_was_answered():
    # (3 + 0 + 1) / 3 items / 3 = 0.444; five items, three of them are 60 per cent
    answers = dict(
        zip(
            ["problem_a", "problem_b", "problem_c", "problem_d", "problem_e"],
            np.array([["3", "2"], ["0", "2"], ["1", ""], ["9", "9"], ["", ""]]),
            strict=True,
        )
    )
    assert problem_index(answers).tolist() == ["44.4", ""]


def test_nothing_is_derived_when_a_question_was_not_asked():
    answers = {"safety_alone": np.array(["1"])}
    assert derive("insecurity", answers, ["safety_alone", "stays_in_reason"]) is None


def test_an_item_that_was_not_asked_counts_as_not_answered():
    answers = {"problem_litter": np.array(["3"])}
    two, one = ["problem_litter", "problem_drugs"], ["problem_litter"]
    assert derive("problem_index", answers, two).tolist() == [""]
    assert derive("problem_index", answers, one).tolist() == ["100.0"]
