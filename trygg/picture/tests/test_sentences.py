"""What may be said of figures, and what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trygg.picture import sentences
from trygg.picture.sentences import Share

UNSAFE = ("känner sig otrygga", "feel unsafe")


def share(value, low, high, what=UNSAFE):
    return Share(what, value, low, high)


def test_a_share_is_said_with_its_interval():
    assert sentences.share(share(0.24, 0.22, 0.26)) == (
        "24 procent av de boende i kommunen känner sig otrygga "
        "(95 procents intervall 22–26).",
        "24 per cent of residents in the municipality feel unsafe "
        "(95 per cent interval 22–26).",
    )


def test_a_bounded_share_says_at_most():
    said = sentences.share(Share(UNSAFE, 0.05, bound="<"))
    assert said[0] == "Högst 5 procent av de boende i kommunen känner sig otrygga."


def test_women_and_men_differ_only_where_intervals_part():
    apart = sentences.women_and_men(share(0.3, 0.27, 0.33), share(0.2, 0.17, 0.26))
    touching = sentences.women_and_men(share(0.3, 0.26, 0.33), share(0.2, 0.17, 0.26))

    assert apart[0].endswith("Skillnaden är statistiskt säkerställd.")
    assert touching[0].endswith(
        "Det går inte att säga om kvinnor och män skiljer sig åt."
    )


def test_the_largest_share_is_named_only_where_its_interval_stands_clear():
    subject = ("Oro", "Worry")
    rån, stöld = ("oroar sig för rån", "rob"), ("oroar sig för stöld", "steal")
    second = share(0.3, 0.27, 0.33, rån)

    clear = sentences.most_common(subject, [second, share(0.4, 0.34, 0.46, stöld)])
    overlap = sentences.most_common(subject, [second, share(0.4, 0.33, 0.46, stöld)])

    assert (
        clear[0]
        == "Oro: störst är andelen som oroar sig för stöld, 40 procent (34–46)."
    )
    assert overlap[0].startswith("Oro: vilken andel som är störst går inte att säga")


@given(
    st.lists(
        st.tuples(st.floats(0.1, 0.9), st.floats(0.01, 0.1)), min_size=2, max_size=6
    )
)
def test_nothing_is_ranked_when_any_interval_reaches_the_largest(rows):
    shares = [
        share(v, v - r, v + r, (f"a{i}", f"b{i}")) for i, (v, r) in enumerate(rows)
    ]
    first = max(shares, key=lambda s: s.value)
    reached = any(s.high >= first.low for s in shares if s is not first)

    said = sentences.most_common(("Oro", "Worry"), shares)

    assert ("går inte att säga" in said[0]) == reached
    assert ("cannot be told" in said[1]) == reached


def test_areas_are_counted_not_ranked():
    said = sentences.areas_against_rest(UNSAFE, higher=2, lower=1, unclear=46, hidden=2)
    assert said[0] == (
        "Andelen som känner sig otrygga är högre än i resten av kommunen i två områden "
        "och lägre i ett område. I 46 områden går det inte att säga. För två områden "
        "visas ingen siffra."
    )


def test_where_no_area_stands_out_that_is_what_is_said():
    said = sentences.areas_against_rest(UNSAFE, higher=0, lower=0, unclear=9, hidden=0)
    assert said[0].startswith("I inget område är andelen som känner sig otrygga säkert")


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.1, 0.6, "i regel större i områden där andelen arbetslösa är högre"),
        (-0.6, -0.1, "i regel mindre i områden där andelen arbetslösa är högre"),
        (-0.1, 0.6, "Det går inte att säga om otryggheten i områdena följer"),
        (0.0, 0.6, "Det går inte att säga om otryggheten i områdena följer"),
    ],
)
def test_a_link_is_claimed_only_where_its_interval_leaves_zero(low, high, says):
    assert says in sentences.link(("andelen arbetslösa", "unemployment"), low, high)[0]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (share(0.2, 0.18, 0.22), share(0.26, 0.24, 0.28), "Den har ökat."),
        (share(0.26, 0.24, 0.28), share(0.2, 0.18, 0.22), "Den har minskat."),
        (
            share(0.2, 0.18, 0.24),
            share(0.26, 0.24, 0.28),
            "Det går inte att säga om den har ändrats.",
        ),
    ],
)
def test_change_is_claimed_only_where_intervals_part(before, after, says):
    assert sentences.change(before, after, "2023")[0].endswith(says)


def test_age_groups_differ_only_where_two_intervals_part():
    assert (
        "går inte" in sentences.by_age([share(0.2, 0.1, 0.3), share(0.3, 0.2, 0.4)])[0]
    )
    assert (
        "skiljer sig"
        in sentences.by_age([share(0.2, 0.1, 0.25), share(0.3, 0.26, 0.4)])[0]
    )


def test_numbers_are_grouped_as_each_language_does():
    assert sentences.count(242140) == ("242\N{NO-BREAK SPACE}140", "242,140")
