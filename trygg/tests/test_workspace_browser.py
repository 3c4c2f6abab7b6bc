"""The workspace in Chromium: accessibility, narrow screens, signing in by keyboard."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.urls import reverse

from trygg.accounts.policy import Role

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PAGES = (
    *("workspace", "picture-list", "picture-detail", "statement-new"),
    *("statement-edit", "problem-new", "gap-new", "entry-remove"),
    *("picture-approve", "edition-detail", "survey-list", "wave-detail"),
    *("account-list", "account-new", "account-detail", "mfa_index"),
    *("mfa_activate_totp", "mfa_add_webauthn", "account_change_password"),
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def signed_in(chromium, live_server, person, client, sign_in):
    """A browser in which somebody with every right on these pages is signed in."""
    sign_in(person("both", Role.COORDINATOR, Role.ANALYST, Role.ADMINISTRATOR))
    context = chromium.new_context()
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
    )
    yield context
    context.close()


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_no_page_of_the_workspace_has_a_fault_that_axe_finds(
    signed_in, live_server, things, language, scheme, width
):
    page = signed_in.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{live_server.url}/intern/?language={language}")
    faults = []
    for name in PAGES:
        answer = page.goto(live_server.url + reverse(name, kwargs=things.get(name)))
        assert answer.status == 200, name
        assert page.get_attribute("html", "lang") == language
        found = axe.Axe().run(page, options=RULES)
        faults += [
            f"{name} {v['id']}: {v['nodes'][0]['html'][:200]}"
            for v in found.response["violations"]
        ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{name} is wider than the screen")
    assert faults == []


def test_one_signs_in_with_the_keyboard_alone(chromium, live_server, anna):
    anna.set_password("a long enough password")
    anna.save()
    page = chromium.new_page()
    page.goto(live_server.url + "/intern/")
    assert page.url.startswith(live_server.url + reverse("account_login"))
    page.focus("#id_login")
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type("a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url(live_server.url + "/intern/")
    assert "anna" in page.content()
    page.close()


def test_one_who_gets_the_password_wrong_is_told_so_and_stays_outside(
    chromium, live_server, anna
):
    page = chromium.new_page()
    page.goto(live_server.url + reverse("account_login"))
    page.fill("#id_login", "anna")
    page.fill("#id_password", "not the password")
    page.click("button.button:not(.quiet)")
    page.wait_for_selector(".summary")
    page.goto(live_server.url + "/intern/")
    assert page.url.startswith(live_server.url + reverse("account_login"))
    page.close()
