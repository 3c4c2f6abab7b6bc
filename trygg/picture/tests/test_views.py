"""Who gets in, what they meet there, and that the forms say what is wrong."""

from __future__ import annotations

from io import BytesIO

import pikepdf
import pytest
from django.urls import reverse

from trygg.accounts.guard import close_all, system
from trygg.history.models import AuditRow
from trygg.picture import actions
from trygg.picture.models import Part, PictureStatus, SituationalPicture, Statement
from trygg.picture.tests.conftest import NOW

PAGES = ["picture-detail", "statement-new", "problem-new", "gap-new", "picture-return"]


@pytest.fixture
def shown(full, anna):
    """Return a full picture under review, with the guard closed as in a request."""
    actions.submit_for_joint_review(full, by=anna, at=NOW)
    close_all()
    return full


def now(picture):
    with system("test"):
        return SituationalPicture.objects.get(pk=picture.pk)


def url(name, *args):
    return reverse(name, args=["prov-2026", *args])


READERS = ["nobody", "olle", "rut", "ali", "petra"]
# address, method, then the answer to each of the readers
ACCESS = [
    ("picture-detail", "get", [302, 404, 404, 200, 200]),
    ("statement-new", "get", [302, 404, 404, 200, 200]),
    ("problem-new", "get", [302, 404, 404, 200, 200]),
    ("gap-new", "get", [302, 404, 404, 200, 200]),
    ("picture-return", "get", [302, 404, 404, 200, 200]),
    ("picture-submit", "get", [302, 405, 405, 405, 405]),
    ("picture-submit", "post", [302, 404, 404, 302, 302]),
    ("picture-approve", "get", [302, 404, 404, 403, 200]),
    ("picture-approve", "post", [302, 404, 404, 403, 302]),
]


@pytest.mark.parametrize(("name", "method", "answers"), ACCESS)
def test_each_reader_gets_the_answer_of_the_table(
    client, sign_in, request, shown, name, method, answers
):
    for reader, status in zip(READERS, answers, strict=True):
        client.logout()
        if reader != "nobody":
            sign_in(request.getfixturevalue(reader))
        assert getattr(client, method)(url(name)).status_code == status, reader


def test_editions_and_files_follow_the_picture(client, sign_in, shown, olle, ali):
    addresses = [url("edition-detail", "internal", 1, "sv")] + [
        url("edition-file", "internal", 1, "sv", form) for form in ("pdf", "docx")
    ]
    for address in addresses:
        sign_in(olle)
        assert client.get(address).status_code == 404
        sign_in(ali)
        assert client.get(address).status_code == 200
    for missing in (
        url("edition-file", "internal", 1, "sv", "exe"),
        url("edition-detail", "internal", 1, "xx"),
        url("edition-detail", "internal", 9, "sv"),
    ):
        assert client.get(missing).status_code == 404


def test_reading_asks_for_a_fresh_sign_in(client, sign_in, shown, anna):
    sign_in(anna, step_up=False)
    assert client.get(url("picture-detail")).status_code == 403
    assert client.get(reverse("picture-list")).status_code == 403
    start = client.get(reverse("workspace"))
    assert start.status_code == 200
    assert "prov" not in start.content.decode().lower()


def test_each_reading_leaves_a_row_in_the_audit_chain(client, sign_in, shown, ali):
    sign_in(ali)
    client.get(url("picture-detail"))
    client.get(url("picture-approve"))
    rows = AuditRow.objects.filter(about__endswith=f":{shown.pk}").order_by("seq")
    assert list(rows.values_list("actor", "act", "data", "decision")) == [
        ("ali", "read", "situational_picture", "allowed"),
        ("ali", "approve", "situational_picture", "refused"),
    ]


def test_the_start_page_lists_what_waits_for_me(
    client, sign_in, shown, anna, petra, olle
):
    sign_in(petra)
    assert url("picture-approve") in client.get(reverse("workspace")).content.decode()
    sign_in(anna)  # she sent it herself
    page = client.get(reverse("workspace")).content.decode()
    assert url("picture-approve") not in page
    sign_in(olle)
    page = client.get(reverse("workspace"))
    assert page.status_code == 200
    assert "prov-2026" not in page.content.decode()


def test_the_police_approve_and_the_municipality_is_told_it_cannot(
    client, sign_in, shown, anna, petra
):
    sign_in(anna)
    page = client.post(url("picture-approve"), follow=True).content.decode()
    assert "måste någon annan godkänna" in page
    assert now(shown).status == PictureStatus.JOINT
    sign_in(petra)
    client.post(url("picture-approve"))
    assert now(shown).status == PictureStatus.APPROVED


def test_a_statement_is_added_with_its_source(client, sign_in, shown, ali):
    sign_in(ali)
    answer = client.post(
        url("statement-new"),
        {
            "part": Part.OTHER,
            "section": "other",
            "text_sv": "Deltagarna nämnde mörka gångvägar.",
            "label_sv": "Anteckningar",
            "source": "Trygghetsvandring",
            "dated": "2026-10",
        },
    )
    assert answer.status_code == 302
    with system("test"):
        evidence = Statement.objects.get(text_sv__contains="mörka").evidence.get()
    assert (evidence.source_sv, evidence.dated) == ("Trygghetsvandring", "2026-10")
    assert not evidence.is_public


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "behöver ett underlag med källa och datum"),
        ({"label_sv": "x"}, "Ett underlag behöver alla tre"),
        ({"part": 3, "text_sv": "Ring 070-123 45 67"}, "ser ut som ett personnummer"),
        ({"part": 3, "text_sv": "20000101-2384 sågs"}, "ser ut som ett personnummer"),
        ({"part": 3, "text_sv": "a.b@exempel.se"}, "ser ut som ett personnummer"),
    ],
)
def test_a_form_that_lacks_something_says_what(
    client, sign_in, shown, ali, changes, says
):
    sign_in(ali)
    values = {"part": 1, "section": "safety", "text_sv": "En mening."} | changes
    answer = client.post(url("statement-new"), values)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert 'role="alert"' in page


def test_numbers_of_a_picture_are_not_taken_for_persons(client, sign_in, shown, ali):
    sign_in(ali)
    values = {"part": 3, "section": "conclusions", "text_sv": "242 140 invånare 2022."}
    assert client.post(url("statement-new"), values).status_code == 302


def test_problems_gaps_moves_and_removals_go_through(client, sign_in, shown, ali):
    sign_in(ali)
    with system("test"):
        first = shown.statements.order_by("order").first()
    client.post(url("problem-new"), {"what_sv": "Mörker", "statements": [first.pk]})
    client.post(url("gap-new"), {"text_sv": "Okänt"})
    client.post(url("entry-move", "statement", first.pk), {"to": "down"})
    client.post(url("statement-edit", first.pk), {
        "part": 1, "section": "safety", "text_sv": "Rättad mening.",
    })  # fmt: skip
    page = client.get(url("picture-detail")).content.decode()
    assert "Mörker" in page
    assert "Okänt" in page
    assert "Rättad mening." in page
    with system("test"):
        revised = shown.statements.get(text_sv="Rättad mening.")
    remove = url("entry-remove", "statement", revised.pk)
    assert client.post(remove, {"reason": ""}).status_code == 422
    assert client.post(remove, {"reason": "dubblett"}).status_code == 302
    assert "Rättad mening." not in client.get(url("picture-detail")).content.decode()


def test_an_entry_of_another_picture_is_not_found(client, sign_in, shown, ali, place):
    with system("test"):
        other = actions.create_picture(
            slug="annan", title=("Annan", "Other"), period="2026", areas=[place],
            by=ali, at=NOW,
        )  # fmt: skip
        gap = actions.add_gap(other, text=("x", ""), by=ali, at=NOW)
    sign_in(ali)
    assert client.get(url("entry-remove", "gap", gap.pk)).status_code == 404
    assert client.get(url("entry-remove", "user", gap.pk)).status_code == 404


def test_the_page_takes_few_queries_however_long_the_picture(
    client, sign_in, shown, say, anna, django_assert_max_num_queries
):
    with system("test"):
        for number in range(30):
            say(text=f"Mening {number}")
    close_all()
    sign_in(anna)
    client.get(url("picture-detail"))
    with django_assert_max_num_queries(28):
        client.get(url("picture-detail"))


def test_a_file_can_be_had_in_english(client, sign_in, shown, ali):
    sign_in(ali)
    answer = client.get(url("edition-file", "internal", 1, "en", "pdf"))
    assert "prov-2026-internal-1-en.pdf" in answer["Content-Disposition"]
    with pikepdf.open(BytesIO(answer.content)) as file:
        assert str(file.Root.Lang) == "en"


@pytest.mark.parametrize("name", PAGES)
def test_pages_keep_to_the_content_security_policy(client, sign_in, shown, anna, name):
    sign_in(anna)
    page = client.get(url(name)).content.decode()
    assert "<script>" not in page
    assert "style=" not in page
    assert "onclick" not in page
