"""Request data → values for the workspace."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from trygg.areas.models import Area
from trygg.picture.models import Part, Section, SituationalPicture, Statement

PERSONAL = re.compile(
    r"\b(?:19|20)?\d{6}[-+ ]?\d{4}\b"  # personal number
    r"|[\w.+-]+@[\w-]+\.\w+"  # e-mail
    r"|\b0\d{1,3}[- ]?\d{2,3}[ ]?\d{2}[ ]?\d{2}\b"  # telephone
)
ENGLISH = _("The English edition shows the Swedish text where this is empty.")


def no_personal_data(text: str) -> None:
    """Refuse what points at a person; a picture is about places and conditions."""
    if PERSONAL.search(text):
        raise ValidationError(
            _(
                "This looks like a personal number, a telephone number or an e-mail "
                "address. Write about places and groups, never about single persons."
            )
        )


class Words(forms.CharField):
    """A text that may not point at a person."""

    default_validators = [no_personal_data]

    def __init__(self, *, rows: int = 0, **kwargs: Any) -> None:
        if rows:
            kwargs["widget"] = forms.Textarea(attrs={"rows": rows})
        super().__init__(**kwargs)


class StatementForm(forms.Form):
    part = forms.TypedChoiceField(label=_("Part"), choices=Part.choices, coerce=int)
    section = forms.ChoiceField(label=_("Heading"), choices=Section.choices)
    text_sv = Words(
        label=_("Statement in Swedish"),
        rows=4,
        max_length=2000,
        help_text=_("One thing at a time, in plain words that can be read aloud."),
    )
    text_en = Words(
        label=_("Statement in English"),
        rows=4,
        max_length=2000,
        required=False,
        help_text=ENGLISH,
    )
    is_public = forms.BooleanField(
        label=_("May stand in the public edition"), required=False
    )


class NewStatementForm(StatementForm):
    label_sv = Words(
        label=_("What it rests on"),
        max_length=300,
        required=False,
        help_text=_("For example: notes from the safety walk in October."),
    )
    source = Words(label=_("Source"), max_length=300, required=False)
    dated = Words(
        label=_("Date or period of the source"), max_length=40, required=False
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        given = [values.get(name) for name in ("label_sv", "source", "dated")]
        if any(given) and not all(given):
            raise ValidationError(
                _("Evidence needs all three: what it is, its source and its date.")
            )
        if values.get("part") != Part.ANALYSIS and not any(given):
            raise ValidationError(
                _("A statement in part 1 or 2 needs evidence with source and date.")
            )
        return values


class ProblemForm(forms.Form):
    what_sv = Words(label=_("The problem in Swedish"), max_length=200)
    what_en = Words(
        label=_("The problem in English"),
        max_length=200,
        required=False,
        help_text=ENGLISH,
    )
    where = forms.ModelMultipleChoiceField(
        label=_("Where"),
        queryset=Area.objects.none(),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )
    when_sv = Words(label=_("When"), max_length=200, required=False)
    who_sv = Words(
        label=_("Who is affected"),
        max_length=200,
        required=False,
        help_text=_("Groups of people, never names."),
    )
    consequences_sv = Words(
        label=_("Consequences"), rows=3, max_length=2000, required=False
    )
    statements = forms.ModelMultipleChoiceField(
        label=_("Statements that it rests on"),
        queryset=Area.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_public = forms.BooleanField(
        label=_("May stand in the public edition"), required=False
    )

    def __init__(self, picture: SituationalPicture, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        municipalities = {area.municipality for area in picture.areas.all()}
        self.fields["where"].queryset = (  # type: ignore[attr-defined]
            Area.objects.filter(
                geography__kind="regso", municipality__in=municipalities
            )
            .defer("shape", "path")
            .order_by("search", "code")
        )
        self.fields["statements"].queryset = (  # type: ignore[attr-defined]
            picture.statements.filter(removed_at=None).order_by("part", "order", "pk")
        )
        self.fields["statements"].label_from_instance = _name_of  # type: ignore[attr-defined]


class GapForm(forms.Form):
    text_sv = Words(label=_("What we do not know, in Swedish"), rows=3, max_length=2000)
    text_en = Words(
        label=_("What we do not know, in English"),
        rows=3,
        max_length=2000,
        required=False,
        help_text=ENGLISH,
    )
    is_public = forms.BooleanField(
        label=_("May stand in the public edition"), required=False
    )


class ReasonForm(forms.Form):
    reason = Words(label=_("Reason"), rows=2, max_length=300)


def _name_of(statement: Statement) -> str:
    return statement.words
