"""What is typed about accounts, as values."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from trygg.accounts.models import Organisation, User
from trygg.accounts.policy import Role

ROLE_NAMES = {
    Role.EDITOR: _("editor"),
    Role.CRISIS_APPROVER: _("approver of crisis messages"),
    Role.ANALYST: _("analyst"),
    Role.COORDINATOR: _("safety coordinator"),
    Role.POLICE: _("police partner"),
    Role.PARTNER: _("partner organisation"),
    Role.COUNCIL_MEMBER: _("council member"),
    Role.INVESTIGATOR: _("investigator of reports"),
    Role.YOUTH_COORDINATOR: _("SSPF coordinator"),
    Role.YOUTH_PARTICIPANT: _("SSPF participant"),
    Role.ADMINISTRATOR: _("system administrator"),
    Role.DATA_PROTECTION_OFFICER: _("data-protection officer"),
    Role.API_CLIENT: _("API client"),
}


class AccountForm(forms.Form):
    username = forms.SlugField(label=_("User name"), max_length=60)
    name = forms.CharField(label=_("Name"), max_length=150)
    organisation = forms.ModelChoiceField(
        Organisation.objects.order_by("name"), label=_("Organisation")
    )
    password = forms.CharField(
        label=_("First password, at least 15 characters"),
        min_length=15,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Handed over in person; whoever gets it changes it at once."),
    )

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username=username).exists():
            raise forms.ValidationError(_("There is already an account by that name."))
        return username


class RoleForm(forms.Form):
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[(role.value, name) for role, name in ROLE_NAMES.items()],
    )
