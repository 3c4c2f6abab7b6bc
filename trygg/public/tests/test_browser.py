"""Every page in Chromium: accessibility, narrow screens, keyboard, no JavaScript."""

from __future__ import annotations

from itertools import product

import pytest

from trygg.public.tests.test_views import ENGLISH, SWEDISH

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

pytestmark = pytest.mark.browser


@pytest.fixture
def site(chromium, live_server, release):
    return live_server.url


@pytest.mark.parametrize(
    ("pages", "scheme", "width"),
    list(product((SWEDISH, ENGLISH), ("light", "dark"), (320, 1280))),
)
def test_no_page_has_a_fault_that_axe_finds(
    chromium, site, pages, scheme, width, transactional_db
):
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page = context.new_page()
    faults = []
    for address in pages.values():
        page.goto(site + address)
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        found = axe.Axe().run(page, options=RULES)
        faults += [
            f"{address} {v['id']}: {v['nodes'][0]['html'][:200]}"
            for v in found.response["violations"]
        ]
    context.close()
    assert faults == []


@pytest.mark.parametrize("pages", [SWEDISH, ENGLISH])
def test_at_400_per_cent_nothing_must_be_scrolled_sideways(
    chromium, site, pages, transactional_db
):
    page = chromium.new_page(viewport={"width": 320, "height": 640})
    wide = []
    for address in pages.values():
        page.goto(site + address)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            wide.append((address, width))
    page.close()
    assert wide == []


def test_the_first_tab_leads_past_the_menu_and_the_second_link_past_the_map(
    chromium, site, transactional_db
):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto(site + "/kompassen/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    page.keyboard.press("Tab")  # the first thing in the page: past the map
    assert page.evaluate("document.activeElement.className") == "skip-map"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.outlines')") is None
    page.close()


def test_focus_can_always_be_seen(chromium, site, transactional_db):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto(site + "/omraden/9999R003/")
    for _step in range(40):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
              const e = document.activeElement, s = getComputedStyle(e);
              return e === document.body
                || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)
                || (e.closest('.links') && s.stroke !== 'none'
                    && parseFloat(s.strokeWidth) >= 2);
            }"""
        )
        assert seen, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    page.close()


def test_everything_works_without_javascript(chromium, site, transactional_db):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + "/")
    page.fill("#find", "område 13")
    page.click("form[role=search] button")
    assert page.locator("tbody tr").count() == 1
    page.click("tbody a")
    assert page.locator("h1").inner_text() == "Område 13"
    page.click("text=English")
    assert page.url.endswith("/en/areas/9999R013/")
    context.close()


def test_the_browser_finds_nothing_that_the_policy_forbids(
    chromium, site, transactional_db
):
    page = chromium.new_page()
    complaints, elsewhere = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on(
        "request",
        lambda request: (
            elsewhere.append(request.url) if not request.url.startswith(site) else None
        ),
    )
    for address in SWEDISH.values():
        page.goto(site + address)
    page.close()
    assert complaints == []
    assert elsewhere == []
