"""Accounts and roles of others: seen and changed by two persons together."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from trygg.accounts import access, actions
from trygg.accounts.forms import ROLE_NAMES, AccountForm, RoleForm
from trygg.accounts.models import RoleProposal, User
from trygg.accounts.policy import Act, Data, NeedsStepUp, Role, concerns
from trygg.history.queries import events_about

REFUSALS = {
    actions.OwnApproval: gettext_lazy("Somebody else must approve what you proposed."),
    actions.NeedsAnotherRole: gettext_lazy(
        "This role is approved by the data-protection officer."
    ),
    actions.RolesDoNotMix: gettext_lazy(
        "An administrator cannot hold a role that opens sensitive data."
    ),
}


def role_names(codes: list[str]) -> list[str]:
    """Return the names of roles, in the order of the table."""
    return [str(name) for role, name in ROLE_NAMES.items() if role.value in codes]


@concerns(Data.ACCOUNT, Act.READ)
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    access.require(request.user, Act.READ)
    accounts = access.accounts_for(request.user, Act.READ).prefetch_related(
        "held_roles"
    )
    rows = [
        {"account": a, "roles": role_names([h.role for h in a.held_roles.all()])}
        for a in accounts
    ]
    proposals = [
        {"proposal": p, "role": ROLE_NAMES[Role(p.role)]}
        for p in RoleProposal.objects.select_related("user", "proposed_by").order_by(
            "proposed_at", "pk"
        )
    ]
    context: dict[str, Any] = {
        "rows": rows,
        "proposals": proposals,
        "may_create": access.may(request.user, Act.CREATE),
    }
    return render(request, "accounts/account_list.html", context)


@concerns(Data.ACCOUNT, Act.CREATE)
@require_http_methods(["GET", "POST"])
def account_new(request: HttpRequest) -> HttpResponse:
    access.require(request.user, Act.CREATE)
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = actions.create_account(
            form.cleaned_data["username"],
            name=form.cleaned_data["name"],
            organisation=form.cleaned_data["organisation"],
            password=form.cleaned_data["password"],
            by=signed_in(request),
            at=timezone.now(),
        )
        messages.success(request, _("The account exists. It has no role yet."))
        return redirect("account-detail", account.pk)
    return render(request, "accounts/account_new.html", {"form": form})


@concerns(Data.ACCOUNT, Act.READ)
@require_GET
def account_detail(request: HttpRequest, pk: int) -> HttpResponse:
    account = access.get_account(request.user, pk)
    context = {
        "account": account,
        "roles": role_names([held.role for held in account.held_roles.all()]),
        "form": RoleForm(),
        "may_change": access.may(request.user, Act.UPDATE),
        "events": events_about(account),
    }
    return render(request, "accounts/account_detail.html", context)


@concerns(Data.ACCOUNT, Act.UPDATE)
@require_POST
def role_propose(request: HttpRequest, pk: int) -> HttpResponse:
    account = access.get_account(request.user, pk, to=Act.UPDATE)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            actions.propose_role(
                account,
                Role(form.cleaned_data["role"]),
                by=signed_in(request),
                at=timezone.now(),
            )
            messages.success(request, _("Proposed. A second person must approve it."))
        except actions.RolesDoNotMix as problem:
            messages.error(request, REFUSALS[type(problem)])
    else:
        messages.error(request, _("There is no such role."))
    return redirect("account-detail", pk)


@concerns(Data.ACCOUNT, Act.READ)
@require_POST
def role_approve(request: HttpRequest, pk: int) -> HttpResponse:
    # Whether this reader may approve depends on the role: the action says so. To
    # approve asks for a fresh sign-in of everybody.
    proposal = access.get_proposal(request.user, pk)
    if not signed_in(request).stepped_up:
        raise NeedsStepUp("APPROVE account")
    try:
        actions.approve_role(proposal, by=signed_in(request), at=timezone.now())
        messages.success(request, _("The role is given."))
    except tuple(REFUSALS) as problem:
        messages.error(request, REFUSALS[type(problem)])
    return redirect("account-list")


@concerns(Data.ACCOUNT, Act.UPDATE)
@require_POST
def account_close(request: HttpRequest, pk: int) -> HttpResponse:
    account = access.get_account(request.user, pk, to=Act.UPDATE)
    actions.close_account(account, by=signed_in(request), at=timezone.now())
    messages.success(request, _("The account is closed."))
    return redirect("account-list")


def signed_in(request: HttpRequest) -> User:
    """Return the user of a view that needs sign-in."""
    assert isinstance(request.user, User)
    return request.user
