import gzip
import re

import pytest
from django.urls import reverse
from django.utils.translation import override

from trygg.accounts.policy import Role
from trygg.areas.models import Area
from trygg.public.actions import set_publisher

SWEDISH = {
    "start": "/",
    "areas": "/omraden/",
    "area": "/omraden/9999R003/",
    "compass": "/kompassen/",
    "surveys": "/undersokningar/",
    "survey": "/undersokningar/trygghet/",
    "pictures": "/lagesbilder/",
    "methods": "/metoder/",
    "accessibility": "/tillganglighet/",
    "cookies": "/kakor/",
    "personal-data": "/personuppgifter/",
}
ENGLISH = {
    "start": "/en/",
    "areas": "/en/areas/",
    "area": "/en/areas/9999R003/",
    "compass": "/en/compass/",
    "surveys": "/en/surveys/",
    "survey": "/en/surveys/trygghet/",
    "pictures": "/en/situational-pictures/",
    "methods": "/en/methods/",
    "accessibility": "/en/accessibility/",
    "cookies": "/en/cookies/",
    "personal-data": "/en/personal-data/",
}
WORDS = {"area": {"code": "9999R003"}, "survey": {"slug": "trygghet"}}
PAGES = [*SWEDISH.values(), *ENGLISH.values()]


@pytest.mark.parametrize(("name", "address"), SWEDISH.items())
def test_swedish_addresses_stand_at_the_root(name, address):
    words = WORDS.get(name, {})
    with override("sv"):
        assert reverse(f"public:{name}", kwargs=words) == address


@pytest.mark.parametrize(("name", "address"), ENGLISH.items())
def test_english_addresses_have_english_words(name, address):
    words = WORDS.get(name, {})
    with override("en"):
        assert reverse(f"public:{name}", kwargs=words) == address


@pytest.mark.parametrize("address", PAGES)
def test_each_page_opens_for_anybody_in_its_language(client, release, address):
    response = client.get(address)
    html = response.content.decode()
    assert response.status_code == 200
    assert f'<html lang="{"en" if address.startswith("/en/") else "sv"}">' in html
    assert html.count("<h1") == 1


@pytest.mark.parametrize("name", SWEDISH)
def test_the_language_switch_leads_to_the_same_page(client, release, name):
    swedish = client.get(SWEDISH[name]).content.decode()
    english = client.get(ENGLISH[name]).content.decode()
    assert f'<a href="{ENGLISH[name]}" lang="en" hreflang="en">English</a>' in swedish
    assert f'<a href="{SWEDISH[name]}" lang="sv" hreflang="sv">Svenska</a>' in english


@pytest.mark.parametrize("address", PAGES)
def test_no_page_holds_inline_script_or_style_or_anything_from_elsewhere(
    client, release, address
):
    html = client.get(address).content.decode()
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", html)
    loaded = re.findall(r'(?:src|<link[^>]* href|data|poster)="([^"]+)"', html)
    elsewhere = [a for a in loaded if "//" in a and "//testserver/" not in a]
    assert elsewhere == []


@pytest.mark.parametrize("address", PAGES)
def test_no_page_sets_a_cookie(client, release, address):
    assert client.get(address).cookies == {}


@pytest.mark.parametrize("address", PAGES)
def test_every_page_has_the_headers_that_guard_it(client, release, address):
    headers = client.get(address).headers
    policy = headers["Content-Security-Policy"]
    for rule in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    ):
        assert rule in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_pages_are_named_by_the_publisher_and_not_by_us(client, town, at):
    set_publisher(municipality="9999", place="Annanstad", name="A kommun", at=at)
    html = client.get("/").content.decode()
    assert "Annanstad" in html
    assert "Uppsala" not in html


def test_an_area_page_shows_its_figures_with_source_and_year(client, town):
    html = client.get("/en/areas/9999R003/").content.decode()
    assert "1,005" in html  # residents
    assert "Source: SCB, 2022" in html
    assert "Many students live here" in html


def test_an_unknown_area_does_not_exist(client, town):
    response = client.get("/omraden/0000R001/")
    assert response.status_code == 404
    assert "Sidan finns inte" in response.content.decode()


def test_before_a_municipality_is_set_only_the_fixed_pages_exist(client, db):
    assert client.get("/kakor/").status_code == 200
    assert client.get("/omraden/").status_code == 404


def test_areas_are_found_by_a_part_of_the_name_in_any_case(client, town):
    html = client.get("/en/areas/", {"q": "OMRÅDE 13"}).content.decode()
    assert re.findall(r"9999R\d+", html) == ["9999R013"]


def test_names_with_a_ring_come_before_those_with_dots(client, town):
    four = Area.objects.filter(parent=town)[:4]
    for name, area in zip(("Äng", "Ås", "Ön", "Zon"), four, strict=True):
        area.name, area.search = name, name.casefold()
        area.save()
    html = client.get("/omraden/").content.decode()
    order = sorted(("Äng", "Ås", "Ön", "Zon"), key=lambda n: html.index(f">{n}</a>"))
    assert order == ["Zon", "Ås", "Äng", "Ön"]


def test_a_hostile_search_is_shown_as_text(client, town):
    html = client.get("/omraden/", {"q": '"><script>x</script>'}).content.decode()
    assert "<script>x" not in html


def test_the_compass_tells_whether_there_are_groups_before_it_shows_any(client, town):
    html = client.get("/en/compass/").content.decode()
    assert html.index("The areas form no separate groups.") < html.index("Group A")


def test_a_page_is_the_same_until_something_happens(client, town, at):
    first = client.get("/metoder/")
    again = client.get("/metoder/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")

    set_publisher(municipality="9999", place="Nystad", name="N", at=at)
    changed = client.get("/metoder/", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert "Nystad" in changed.content.decode()


def test_a_kept_page_comes_compressed_and_whole(client, town):
    plain = client.get("/kompassen/").content
    packed = client.get("/kompassen/", headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain


def test_a_kept_page_costs_one_query(client, town, django_assert_num_queries):
    client.get("/omraden/9999R003/")
    with django_assert_num_queries(1):  # the number of the last event
        client.get("/omraden/9999R003/")


@pytest.mark.parametrize("address", PAGES)
def test_a_new_page_takes_few_queries(
    client, release, address, django_assert_max_num_queries
):
    with django_assert_max_num_queries(40):
        client.get(address)


def test_robots_keep_out_of_the_staff_side_and_find_the_map_of_the_site(
    client, release
):
    text = client.get("/robots.txt").content.decode()
    assert "Disallow: /intern/" in text
    address = re.search(r"Sitemap: (\S+)", text)[1]
    response = client.get(address)
    assert response["Content-Type"] == "application/xml"
    for page in SWEDISH.values():
        assert f"<loc>http://testserver{page}</loc>" in response.content.decode()


def test_the_cookie_page_names_what_the_settings_name(client, db, settings):
    settings.SESSION_COOKIE_NAME = "another-name"
    assert "another-name" in client.get("/kakor/").content.decode()


def words_of(html):
    """Return the words of a page without its marks and with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\xa0", " ").split())


def test_the_start_page_says_how_safe_people_feel_with_interval_answers_and_date(
    client, release
):
    words = words_of(client.get("/").content.decode())
    assert "30 % känner sig otrygga" in words
    assert "mellan 24 och 36 procent med 95 procents säkerhet, 120 svar" in words
    assert "Svaren är syntetiska" in words
    assert "Publicerat 24 november 2026" in words
    assert "I 1 av 13 områden är det vanligare" in words


def test_an_area_that_cannot_be_told_from_the_rest_is_not_said_to_differ(
    client, release
):
    words = words_of(client.get("/en/areas/9999R005/").content.decode())
    assert "For 3 questions it cannot be told whether the area differs" in words
    assert "more common than in the rest" not in words
    differs = words_of(client.get("/en/areas/9999R000/").content.decode())
    assert "More common than in the rest of the municipality" in differs


def test_an_area_with_too_few_answers_shows_no_share(client, release):
    html = client.get("/en/areas/9999R003/").content.decode()
    safe = html[html.index('id="safe"') : html.index('id="people"')]
    assert "Too few have answered for any figure to be shown" in safe
    cells = re.findall(r"<td[^>]*>([^<]*)", safe)
    assert "too few answers" in cells
    assert "30% (24–36)" not in cells


def test_an_area_with_few_answers_is_shown_with_a_caution(client, release):
    words = words_of(client.get("/en/areas/9999R001/").content.decode())
    assert "About 45 people answered here, so the figures are uncertain" in words


def test_a_survey_shows_who_answered_and_lets_one_choose_a_question(client, release):
    words = words_of(client.get("/en/surveys/trygghet/").content.decode())
    assert "400 of 1,000 answered (40%)" in words
    chosen = client.get("/en/surveys/trygghet/?q=trust_police").content.decode()
    assert '<option value="trust_police" selected>' in chosen
    assert "residents trust the police" in words_of(chosen)


def test_what_is_not_published_is_on_no_page(client, release):
    release.status = "withdrawn"
    release.save()
    assert "otrygga" not in client.get("/").content.decode()
    assert client.get("/undersokningar/trygghet/").status_code == 404
    assert 'id="safe"' not in client.get("/omraden/9999R003/").content.decode()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("9999R000", "feel unsafe. That is more common than in the rest of the"),
        ("9999R002", "cannot be told"),
        ("9999R003", "Too few have answered for us to say how safe people feel here."),
    ],
)
def test_the_lead_says_a_difference_only_where_it_holds(client, release, code, said):
    html = client.get(f"/en/areas/{code}/").content.decode()
    assert said in re.search(r'<p class="lead">(.*?)</p>', html)[1]


def test_a_page_that_is_kept_for_all_never_holds_a_message_to_one_reader(
    client, town, person, sign_in
):
    sign_in(person("ada", Role.ADMINISTRATOR))
    olle = person("olle")
    client.post(reverse("role-propose", args=[olle.pk]), {"role": "none"})

    assert "Den rollen finns inte." not in client.get("/").content.decode()
    account = client.get(reverse("account-detail", args=[olle.pk]))
    assert "Den rollen finns inte." in account.content.decode()
