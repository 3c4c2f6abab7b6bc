"""Accounts and roles: two persons, and never the wrong ones together."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from trygg.accounts import actions
from trygg.accounts.models import HeldRole, User
from trygg.accounts.policy import SENSITIVE, Role
from trygg.history.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(person):
    return person("ada", Role.ADMINISTRATOR)


@pytest.fixture
def adam(person):
    return person("adam", Role.ADMINISTRATOR)


@pytest.fixture
def dora(person):
    return person("dora", Role.DATA_PROTECTION_OFFICER)


def roles_of(user):
    return User.objects.get(pk=user.pk).roles


def test_a_role_holds_when_a_second_administrator_has_approved(ada, adam, olle, at):
    proposal = actions.propose_role(olle, Role.ANALYST, by=ada, at=at)
    assert roles_of(olle) == frozenset()

    actions.approve_role(proposal, by=adam, at=at)

    assert roles_of(olle) == {Role.ANALYST}
    assert list(Event.objects.values_list("what", "by__username")) == [
        ("accounts.user.role_proposed", "ada"),
        ("accounts.user.role_given", "adam"),
    ]


def test_nobody_approves_what_they_proposed(ada, olle, at):
    proposal = actions.propose_role(olle, Role.ANALYST, by=ada, at=at)
    with pytest.raises(actions.OwnApproval):
        actions.approve_role(proposal, by=ada, at=at)
    assert roles_of(olle) == frozenset()


def test_nobody_approves_a_role_for_themselves(ada, adam, at):
    proposal = actions.propose_role(adam, Role.ANALYST, by=ada, at=at)
    with pytest.raises(actions.OwnApproval):
        actions.approve_role(proposal, by=adam, at=at)


@pytest.mark.parametrize("role", sorted(SENSITIVE, key=lambda r: r.value))
def test_a_sensitive_role_is_approved_by_the_data_protection_officer_only(
    role, ada, adam, dora, olle, at
):
    proposal = actions.propose_role(olle, role, by=ada, at=at)
    with pytest.raises(actions.NeedsAnotherRole):
        actions.approve_role(proposal, by=adam, at=at)

    actions.approve_role(proposal, by=dora, at=at)

    assert roles_of(olle) == {role}


@pytest.mark.parametrize("role", sorted(SENSITIVE, key=lambda r: r.value))
def test_an_administrator_never_gets_a_sensitive_role(role, ada, adam, at):
    with pytest.raises(actions.RolesDoNotMix):
        actions.propose_role(adam, role, by=ada, at=at)


def test_a_role_proposed_before_another_was_given_is_looked_at_anew(
    ada, adam, dora, olle, at
):
    investigator = actions.propose_role(olle, Role.INVESTIGATOR, by=ada, at=at)
    administrator = actions.propose_role(olle, Role.ADMINISTRATOR, by=ada, at=at)
    actions.approve_role(administrator, by=adam, at=at)
    with pytest.raises(actions.RolesDoNotMix):
        actions.approve_role(investigator, by=dora, at=at)


def test_a_closed_account_has_no_roles_and_cannot_sign_in(ada, anna, client, at):
    client.force_login(anna)
    actions.close_account(anna, by=ada, at=at)
    assert roles_of(anna) == frozenset()
    assert client.get("/intern/konto/sakerhet/").status_code == 302


def test_the_database_refuses_a_role_that_no_account_can_hold(olle, at):
    with pytest.raises(IntegrityError):
        HeldRole.objects.create(user=olle, role="RR", since=at)


def test_the_database_refuses_one_person_as_proposer_and_approver(ada, olle, at):
    with pytest.raises(IntegrityError):
        HeldRole.objects.create(
            user=olle, role="AL", proposed_by=ada, approved_by=ada, since=at
        )
