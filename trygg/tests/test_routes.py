"""Every address × every role × GET and POST: who gets in, what others are told."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse

from trygg.accounts.checks import routes
from trygg.accounts.models import ACCOUNT_ROLES
from trygg.accounts.policy import OWN_ACCOUNT, Role
from trygg.history.models import AuditRow

ROLES = [Role(code) for code in ACCOUNT_ROLES]
EVERYBODY = {*ROLES, "olle", "nobody"}
PICTURE = {Role.ANALYST, Role.COORDINATOR, Role.POLICE}
APPROVE = {Role.COORDINATOR, Role.POLICE}
READ_ACCOUNTS = {Role.ADMINISTRATOR, Role.DATA_PROTECTION_OFFICER}
READ_SURVEYS = {
    *(Role.EDITOR, Role.ANALYST, Role.COORDINATOR, Role.POLICE),
    *(Role.COUNCIL_MEMBER, Role.DATA_PROTECTION_OFFICER),
}
CHANGE_ACCOUNTS = {Role.ADMINISTRATOR}
SIGNED_IN = EVERYBODY - {"nobody"}

# Address -> methods, who gets in, who may read but is refused (403). All others are
# told that there is no such page (404); who is not signed in is sent to do so.
PAGES = {
    "workspace": ("GET", SIGNED_IN, set()),
    "picture-list": ("GET", SIGNED_IN, set()),
    "picture-detail": ("GET", PICTURE, set()),
    "statement-new": ("GET POST", PICTURE, set()),
    "statement-edit": ("GET POST", PICTURE, set()),
    "problem-new": ("GET POST", PICTURE, set()),
    "gap-new": ("GET POST", PICTURE, set()),
    "entry-move": ("POST", PICTURE, set()),
    "entry-remove": ("GET POST", PICTURE, set()),
    "picture-submit": ("POST", PICTURE, set()),
    "picture-return": ("GET POST", PICTURE, set()),
    "picture-approve": ("GET POST", APPROVE, PICTURE - APPROVE),
    "edition-detail": ("GET", PICTURE, set()),
    "edition-file": ("GET", PICTURE, set()),
    "survey-list": ("GET", SIGNED_IN, set()),
    "wave-detail": ("GET", READ_SURVEYS, set()),
    "wave-estimate": ("POST", {Role.ANALYST}, READ_SURVEYS - {Role.ANALYST}),
    "release-publish": ("POST", {Role.COORDINATOR}, READ_SURVEYS - {Role.COORDINATOR}),
    "release-withdraw": ("POST", {Role.COORDINATOR}, READ_SURVEYS - {Role.COORDINATOR}),
    "account-list": ("GET", READ_ACCOUNTS, set()),
    "account-new": ("GET POST", CHANGE_ACCOUNTS, READ_ACCOUNTS - CHANGE_ACCOUNTS),
    "account-detail": ("GET", READ_ACCOUNTS, set()),
    "role-propose": ("POST", CHANGE_ACCOUNTS, READ_ACCOUNTS - CHANGE_ACCOUNTS),
    "role-approve": ("POST", READ_ACCOUNTS, set()),
    "account-close": ("POST", CHANGE_ACCOUNTS, READ_ACCOUNTS - CHANGE_ACCOUNTS),
    "healthz": ("GET", EVERYBODY, set()),
    "public:start": ("GET", EVERYBODY, set()),
    "public:areas": ("GET", EVERYBODY, set()),
    "public:area": ("GET", EVERYBODY, set()),
    "public:compass": ("GET", EVERYBODY, set()),
    "public:surveys": ("GET", EVERYBODY, set()),
    "public:survey": ("GET", EVERYBODY, set()),
    "public:pictures": ("GET", EVERYBODY, set()),
    "public:picture": ("GET", EVERYBODY, set()),
    "public:methods": ("GET", EVERYBODY, set()),
    "public:accessibility": ("GET", EVERYBODY, set()),
    "public:cookies": ("GET", EVERYBODY, set()),
    "public:personal-data": ("GET", EVERYBODY, set()),
    "public:robots": ("GET", EVERYBODY, set()),
    "public:sitemap": ("GET", EVERYBODY, set()),
}
# allauth's own pages answer for themselves; here: none opens without sign-in that
# should not, and none is open to more.
ALLAUTH = {"account_login", "account_logout", "account_inactive"}
ALLAUTH |= {"mfa_login_webauthn", "mfa_authenticate"}
WITH_KEY = {"mfa_remove_webauthn", "mfa_edit_webauthn"}
NAMES_NOTHING = {"workspace", "picture-list", "survey-list"}
NAMES_NOTHING |= {"account-list", "account-new"}
# These exist for everybody when something has been published, which is not so here.
NOT_HERE = {"public:survey", "public:picture"}


def own_pages():
    return {route.name for route in routes() if route.view.concerns == OWN_ACCOUNT}


def test_every_route_is_declared_and_tried_here():
    assert {route.name for route in routes()} == set(PAGES) | ALLAUTH | own_pages()


@pytest.mark.django_db
def test_pages_about_ones_own_account_need_sign_in(client):
    for name in own_pages():
        arguments = {"pk": 1} if name in WITH_KEY else {}
        for method in (client.get, client.post):
            answer = method(reverse(name, kwargs=arguments))
            assert answer.status_code == 302, name
            assert answer["Location"].startswith(reverse("account_login"))


def said(answer):
    """Say in one word what somebody was told."""
    if answer.status_code == 302 and answer["Location"].startswith(
        reverse("account_login")
    ):
        return "sign in"
    return {403: "refused", 404: "hidden", 405: "no such method"}.get(
        answer.status_code, "in"
    )


@pytest.mark.parametrize("who", ["nobody", "olle", *ROLES], ids=str)
def test_each_gets_in_where_the_table_says_and_nowhere_else(
    who, things, person, client, sign_in
):
    if who != "nobody":
        sign_in(person("visitor", *([who] if who != "olle" else [])))
    for name, (methods, let_in, refused) in PAGES.items():
        address = reverse(name, kwargs=things.get(name))
        for method in ("GET", "POST"):
            # Undone each time: a POST may change what the next one is about.
            with transaction.atomic():
                answer = client.generic(method, address)
                transaction.set_rollback(True)
            if name in NOT_HERE:
                expected = "hidden" if method == "GET" else "no such method"
            elif who == "nobody" and "nobody" not in let_in:
                expected = "sign in"
            elif method not in methods:
                expected = "no such method"
            elif who in let_in:
                expected = "in"
            else:
                expected = "refused" if who in refused else "hidden"
            assert (name, method, said(answer)) == (name, method, expected)


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, (_, who, _) in PAGES.items()
        if "nobody" not in who and name not in NAMES_NOTHING
    ),
)
def test_what_one_may_not_know_of_looks_like_what_does_not_exist(
    name, things, olle, client, sign_in
):
    arguments = things[name]
    sign_in(olle)
    elsewhere = {
        k: "no-such" if k == "slug" else 987654 if k in ("pk", "number") else v
        for k, v in arguments.items()
    }
    for method in PAGES[name][0].split():
        others = client.generic(method, reverse(name, kwargs=arguments))
        nothing = client.generic(method, reverse(name, kwargs=elsewhere))
        assert others.status_code == nothing.status_code == 404
        assert others.content == nothing.content


@pytest.mark.parametrize("name", ["picture-detail", "picture-approve", "account-list"])
def test_sensitive_pages_ask_for_a_fresh_sign_in(name, things, person, client, sign_in):
    both = person("both", Role.COORDINATOR, Role.ADMINISTRATOR)
    sign_in(both, step_up=False)
    answer = client.get(reverse(name, kwargs=things.get(name)))
    assert answer.status_code == 403
    assert reverse("account_reauthenticate") in answer.content.decode()


def test_reading_a_picture_leaves_a_row_in_the_audit_chain(
    things, anna, client, sign_in
):
    sign_in(anna)
    before = AuditRow.objects.count()
    client.get(reverse("picture-detail", kwargs=things["picture-detail"]))
    row = AuditRow.objects.order_by("seq").last()
    assert AuditRow.objects.count() == before + 1
    assert (row.actor, row.act, row.decision) == ("anna", "read", "allowed")
