"""The workspace: load, form, one action, render."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from trygg.accounts.policy import Act, Data, NeedsStepUp, concerns
from trygg.history.steps import WrongStep
from trygg.picture import access, actions, workspace
from trygg.picture.document import read
from trygg.picture.docx import render_docx
from trygg.picture.forms import (
    GapForm,
    NewStatementForm,
    ProblemForm,
    ReasonForm,
    StatementForm,
)
from trygg.picture.html import render_html
from trygg.picture.models import (
    Edition,
    Gap,
    Part,
    Problem,
    SituationalPicture,
    Statement,
)
from trygg.picture.pdf import render_pdf

FORM = require_http_methods(["GET", "HEAD", "POST"])
ENTRIES: dict[str, type[Statement] | type[Problem] | type[Gap]] = {
    "statement": Statement,
    "problem": Problem,
    "gap": Gap,
}
REFUSALS = {
    WrongStep: gettext_lazy("The picture has changed since you opened it."),
    actions.OwnApproval: gettext_lazy(
        "You wrote last in the picture or sent it to review, so somebody else must "
        "approve it."
    ),
    actions.NotAParty: gettext_lazy(
        "Your organisation does not stand behind this picture, so you cannot "
        "approve it."
    ),
    actions.EmptyPart: gettext_lazy(
        "A part that the Act demands is still empty. Write at least one statement in "
        "each of the three parts."
    ),
}
TYPES = {
    "pdf": (render_pdf, "application/pdf"),
    "docx": (
        render_docx,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
}


@concerns(Data.SITUATIONAL_PICTURE, Act.READ)
@require_GET
def start(request: Any) -> HttpResponse:
    """Show what waits for the user. Titles are shown after a fresh sign-in only."""
    try:
        pictures = list(access.pictures_for(request.user, Act.READ))
    except NeedsStepUp:
        return render(request, "picture/start.html", {"must_sign_in_again": True})
    return render(
        request,
        "picture/start.html",
        {
            "tasks": workspace.tasks(
                pictures, request.user, approves=access.may(request.user, Act.APPROVE)
            ),
            "pictures": pictures,
            "has_part": access.may(request.user, Act.READ),
        },
    )


@concerns(Data.SITUATIONAL_PICTURE, Act.READ)
@require_GET
def picture_list(request: Any) -> HttpResponse:
    pictures = access.pictures_for(request.user, Act.READ).order_by("-period", "slug")
    return render(
        request,
        "picture/picture_list.html",
        {"pictures": pictures, "has_part": access.may(request.user, Act.READ)},
    )


@concerns(Data.SITUATIONAL_PICTURE, Act.READ)
@require_GET
def picture_detail(request: Any, slug: str) -> HttpResponse:
    picture = access.get_picture(request.user, slug, at=timezone.now())
    return render(
        request,
        "picture/picture_detail.html",
        {
            "picture": picture,
            "parts": workspace.parts(picture),
            "problems": picture.problems.filter(removed_at=None)
            .prefetch_related("where")
            .order_by("order", "pk"),
            "gaps": picture.gaps.filter(removed_at=None).order_by("order", "pk"),
            "editions": picture.editions.defer("content").order_by(
                "-made_at", "audience"
            ),
            "events": workspace.events(picture),
            "empty": actions.empty_parts(picture),
            "writes": picture.is_open and access.may(request.user, Act.UPDATE),
            "approves": access.may(request.user, Act.APPROVE),
        },
    )


@concerns(Data.SITUATIONAL_PICTURE, Act.UPDATE)
@FORM
def statement_new(request: Any, slug: str) -> HttpResponse:
    picture, now = _for_update(request, slug)
    first = {"part": request.GET.get("part", Part.MAPPING)}
    form = NewStatementForm(request.POST or None, initial=first)
    if form.is_valid():
        values = form.cleaned_data
        label, source, dated = (values.pop(n) for n in ("label_sv", "source", "dated"))
        # What somebody writes down is public only when they say that it may be.
        evidence = [
            actions.Source(
                "other", (label, label), (source, source), dated,
                is_public=values["is_public"],
            )
        ]  # fmt: skip
        added = _try(
            request,
            lambda: actions.add_statement(
                picture,
                **_texts(values, "text"),
                evidence=evidence if label else [],
                by=request.user,
                at=now,
            ),
        )
        if added:
            return redirect("picture-detail", slug)
    return _form_page(request, picture, form, _("Add a statement"))


@concerns(Data.SITUATIONAL_PICTURE, Act.UPDATE)
@FORM
def statement_edit(request: Any, slug: str, pk: int) -> HttpResponse:
    picture, now = _for_update(request, slug)
    statement = get_object_or_404(picture.statements.filter(removed_at=None), pk=pk)
    initial = {name: getattr(statement, name) for name in StatementForm.base_fields}
    form = StatementForm(request.POST or None, initial=initial)
    if form.is_valid() and _try(
        request,
        lambda: actions.revise_statement(
            statement, **_texts(form.cleaned_data, "text"), by=request.user, at=now
        ),
    ):
        return redirect("picture-detail", slug)
    return _form_page(request, picture, form, _("Revise a statement"))


@concerns(Data.SITUATIONAL_PICTURE, Act.UPDATE)
@FORM
def problem_new(request: Any, slug: str) -> HttpResponse:
    picture, now = _for_update(request, slug)
    form = ProblemForm(picture, request.POST or None)
    if form.is_valid():
        values = _texts(form.cleaned_data, "what", "when", "who", "consequences")
        if _try(
            request,
            lambda: actions.add_problem(picture, **values, by=request.user, at=now),
        ):
            return redirect("picture-detail", slug)
    return _form_page(request, picture, form, _("Point out a problem"))


@concerns(Data.SITUATIONAL_PICTURE, Act.UPDATE)
@FORM
def gap_new(request: Any, slug: str) -> HttpResponse:
    picture, now = _for_update(request, slug)
    form = GapForm(request.POST or None)
    if form.is_valid() and _try(
        request,
        lambda: actions.add_gap(
            picture, **_texts(form.cleaned_data, "text"), by=request.user, at=now
        ),
    ):
        return redirect("picture-detail", slug)
    return _form_page(request, picture, form, _("Say what is not known"))


@concerns(Data.SITUATIONAL_PICTURE, Act.UPDATE)
@require_POST
def entry_move(request: Any, slug: str, kind: str, pk: int) -> HttpResponse:
    picture, now = _for_update(request, slug)
    entry = _entry(picture, kind, pk)
    up = request.POST.get("to") == "up"
    _try(request, lambda: actions.move_entry(entry, up=up, by=request.user, at=now))
    return redirect("picture-detail", slug)


@concerns(Data.SITUATIONAL_PICTURE, Act.UPDATE)
@FORM
def entry_remove(request: Any, slug: str, kind: str, pk: int) -> HttpResponse:
    picture, now = _for_update(request, slug)
    entry = _entry(picture, kind, pk)
    form = ReasonForm(request.POST or None)
    if form.is_valid() and _try(
        request,
        lambda: actions.remove_entry(
            entry, reason=form.cleaned_data["reason"], by=request.user, at=now
        ),
    ):
        return redirect("picture-detail", slug)
    return _form_page(request, picture, form, _("Take out of the picture"), entry.words)


@concerns(Data.SITUATIONAL_PICTURE, Act.UPDATE)
@require_POST
def picture_submit(request: Any, slug: str) -> HttpResponse:
    picture, now = _for_update(request, slug)
    if _try(
        request,
        lambda: actions.submit_for_joint_review(picture, by=request.user, at=now),
    ):
        messages.success(request, _("The picture is now open for joint review."))
    return redirect("picture-detail", slug)


@concerns(Data.SITUATIONAL_PICTURE, Act.UPDATE)
@FORM
def picture_return(request: Any, slug: str) -> HttpResponse:
    picture, now = _for_update(request, slug)
    form = ReasonForm(request.POST or None)
    if form.is_valid() and _try(
        request,
        lambda: actions.return_to_draft(
            picture, reason=form.cleaned_data["reason"], by=request.user, at=now
        ),
    ):
        return redirect("picture-detail", slug)
    return _form_page(request, picture, form, _("Back to draft"))


@concerns(Data.SITUATIONAL_PICTURE, Act.APPROVE)
@FORM
def picture_approve(request: Any, slug: str) -> HttpResponse:
    now = timezone.now()
    picture = access.get_picture(request.user, slug, to=Act.APPROVE, at=now)
    if request.method == "POST":
        if _try(
            request,
            lambda: actions.approve_picture(picture, by=request.user, at=now),
        ):
            messages.success(
                request,
                _("The picture is approved. Its public edition can now be read."),
            )
        return redirect("picture-detail", slug)
    return render(
        request,
        "picture/picture_approve.html",
        {"picture": picture, "empty": actions.empty_parts(picture)},
    )


@concerns(Data.SITUATIONAL_PICTURE, Act.READ)
@require_GET
def edition_detail(
    request: Any, slug: str, audience: str, number: int, language: str
) -> HttpResponse:
    edition = _edition(request, slug, audience, number, language)
    document = read(edition.content, language)
    return render(
        request,
        "picture/edition_detail.html",
        {
            "edition": edition,
            "document": document,
            "body": render_html(document),
            "is_synthetic": bool(document.synthetic),
        },
    )


@concerns(Data.SITUATIONAL_PICTURE, Act.READ)
@require_GET
def edition_file(
    request: Any, slug: str, audience: str, number: int, language: str, form: str
) -> HttpResponse:
    if form not in TYPES:
        raise Http404
    edition = _edition(request, slug, audience, number, language)
    render_file, content_type = TYPES[form]
    return HttpResponse(
        render_file(read(edition.content, language)),
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{slug}-{audience}-{number}'
            f'-{language}.{form}"'
        },
    )


def _for_update(request: Any, slug: str) -> tuple[SituationalPicture, datetime]:
    now = timezone.now()
    return access.get_picture(request.user, slug, to=Act.UPDATE, at=now), now


def _edition(
    request: Any, slug: str, audience: str, number: int, language: str
) -> Edition:
    picture = access.get_picture(request.user, slug, at=timezone.now())
    if language not in dict(settings.LANGUAGES):
        raise Http404
    edition: Edition = get_object_or_404(
        picture.editions, audience=audience, number=number
    )
    return edition


def _entry(picture: SituationalPicture, kind: str, pk: int) -> actions.Entry:
    if kind not in ENTRIES:
        raise Http404
    rows = ENTRIES[kind].objects.filter(picture=picture, removed_at=None)
    entry: actions.Entry = get_object_or_404(rows, pk=pk)
    return entry


def _texts(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Join the two languages of each text: text_sv and text_en become text."""
    pairs = {
        name: (values.pop(f"{name}_sv"), values.pop(f"{name}_en", "")) for name in names
    }
    return values | pairs


def _try(request: Any, act: Callable[[], Any]) -> bool:
    """Do it, and say in the user's words when it is refused."""
    try:
        act()
    except (
        WrongStep,
        actions.OwnApproval,
        actions.NotAParty,
        actions.EmptyPart,
    ) as refusal:
        messages.error(request, REFUSALS[type(refusal)])
        return False
    return True


def _form_page(
    request: Any,
    picture: SituationalPicture,
    form: Any,
    title: str,
    quoted: str = "",
) -> HttpResponse:
    return render(
        request,
        "picture/form.html",
        {"picture": picture, "form": form, "title": title, "quoted": quoted},
        status=422 if form.errors else 200,
    )
