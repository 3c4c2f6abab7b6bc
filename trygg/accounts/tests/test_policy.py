"""The whole access table, asked answer by answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from trygg.accounts.policy import (
    GRANTS,
    TABLE,
    Act,
    Data,
    Reach,
    Role,
    ask,
    read_table,
    spelled_out,
)

ROOT = Path(__file__).resolve().parents[3]
SEALED = (Data.REPORT_CONTENT, Data.REPORTER_IDENTITY, Data.YOUTH_CONTENT)


def test_the_whole_table_is_the_one_that_was_read():
    lines = spelled_out()
    print("\n".join(lines))
    assert len(lines) == len(Role) * len(Data) == 464
    assert lines == (ROOT / "docs/policy.txt").read_text().splitlines()


@pytest.mark.parametrize("data", SEALED)
@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.POLICE])
def test_administrators_and_police_never_reach_sealed_data(role, data):
    assert {ask(role, act, data, "!p") for act in Act} == {Reach.NOTHING}


@pytest.mark.parametrize("data", SEALED)
def test_staff_read_sealed_data_only_as_their_own_just_signed_in_for_a_purpose(data):
    staff = set(Role) - {Role.REPORTER}
    for role in staff:
        if grant := GRANTS.get((role, data, Act.READ)):
            assert (grant.own, grant.step_up, grant.purpose) == (True, True, True)
            assert grant.two_persons == (data is Data.REPORTER_IDENTITY)


def test_only_statistics_can_be_exported():
    exported = {data for (_, data, act) in GRANTS if act is Act.EXPORT}
    assert exported == {Data.RELEASED_STATISTICS, Data.PUBLISHED_CRIME}


def test_every_approval_asks_for_a_fresh_sign_in():
    approvals = [grant for (_, _, act), grant in GRANTS.items() if act is Act.APPROVE]
    assert approvals
    assert all(grant.step_up for grant in approvals)


def test_what_anyone_may_do_everybody_may_do():
    for (role, data, act), grant in GRANTS.items():
        if role is Role.ANYONE and not grant.own:
            assert all(ask(other, act, data, "") == Reach.ALL for other in Role)


def test_a_table_with_a_cell_too_few_is_refused():
    first_row = TABLE.strip().splitlines()[1]
    short = TABLE.replace(first_row, first_row.rsplit(maxsplit=1)[0])
    with pytest.raises(ValueError, match="shorter"):
        read_table(short)


def test_an_unknown_role_or_class_is_refused():
    with pytest.raises(ValueError, match="is not a valid"):
        read_table("XX\nD1 published_page R")
    with pytest.raises(ValueError, match="is not a valid"):
        read_table("AN\nD1 no_such_class R")
