"""The public site and the workspace stand alone, each without the other's addresses."""

from __future__ import annotations

import pytest
from django.urls import Resolver404, clear_url_caches, resolve

pytestmark = pytest.mark.django_db


@pytest.fixture
def only(settings):
    def choose(site):
        settings.ROOT_URLCONF = f"trygg.config.urls_{site}"
        clear_url_caches()

    yield choose
    clear_url_caches()


@pytest.mark.parametrize(
    "address", ["/", "/omraden/", "/kompassen/", "/en/", "/en/surveys/", "/healthz"]
)
def test_the_public_site_serves_its_pages_without_the_workspace(
    client, only, things, address
):
    only("public")
    assert client.get(address).status_code == 200
    with pytest.raises(Resolver404):
        resolve("/intern/")


@pytest.mark.parametrize(
    "address", ["/intern/", "/intern/undersokningar/", "/intern/konto/sakerhet/"]
)
def test_the_workspace_serves_its_pages_without_the_public_site(
    client, only, things, anna, sign_in, address
):
    only("staff")
    assert client.get(address).status_code == 302
    assert client.get("/intern/konto/in/").status_code == 200
    sign_in(anna)
    assert client.get(address).status_code == 200
    with pytest.raises(Resolver404):
        resolve("/omraden/")


def test_a_page_that_does_not_exist_says_so_on_both(client, only, things):
    for site in ("public", "staff"):
        only(site)
        assert client.get("/finns-inte/").status_code == 404
