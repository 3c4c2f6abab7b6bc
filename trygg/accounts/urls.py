"""Sign-in and one's own account; accounts and roles of others."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import path

from trygg.accounts import views
from trygg.accounts.policy import Act, Data, concerns, own_account

# allauth's views, declared here by name. Those that are left out (signing up, e-mail,
# password by mail) do not exist: accounts are given by two administrators.
entrance = concerns(Data.PUBLISHED_PAGE, Act.READ)

urlpatterns = [
    path("in/", entrance(account.login), name="account_login"),
    path("ut/", entrance(account.logout), name="account_logout"),
    path("avstangt/", entrance(account.account_inactive), name="account_inactive"),
    path("passkey/in/", entrance(webauthn.login_webauthn), name="mfa_login_webauthn"),
    path("andra-faktor/", entrance(mfa.authenticate), name="mfa_authenticate"),
    path(
        "visa-vem/", own_account(account.reauthenticate), name="account_reauthenticate"
    ),
    path(
        "losenord/",
        own_account(account.password_change),
        name="account_change_password",
    ),
    path("sakerhet/", own_account(mfa.index), name="mfa_index"),
    path("visa-vem/kod/", own_account(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("totp/", own_account(totp.activate_totp), name="mfa_activate_totp"),
    path("totp/av/", own_account(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "reservkoder/",
        own_account(recovery.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "reservkoder/nya/",
        own_account(recovery.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "reservkoder/hamta/",
        own_account(recovery.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("passkey/", own_account(webauthn.list_webauthn), name="mfa_list_webauthn"),
    path("passkey/ny/", own_account(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path(
        "passkey/visa-vem/",
        own_account(webauthn.reauthenticate_webauthn),
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "passkey/<int:pk>/bort/",
        own_account(webauthn.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
    path(
        "passkey/<int:pk>/namn/",
        own_account(webauthn.edit_webauthn),
        name="mfa_edit_webauthn",
    ),
    path("konton/", views.account_list, name="account-list"),
    path("konton/nytt/", views.account_new, name="account-new"),
    path("konton/<int:pk>/", views.account_detail, name="account-detail"),
    path("konton/<int:pk>/roll/", views.role_propose, name="role-propose"),
    path("roller/<int:pk>/godkann/", views.role_approve, name="role-approve"),
    path("konton/<int:pk>/avsluta/", views.account_close, name="account-close"),
]
