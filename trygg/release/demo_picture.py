"""The situational picture of the demonstration, from building to approval by two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from trygg.accounts.models import User
from trygg.areas.queries import municipality_area
from trygg.picture import actions
from trygg.picture.document import read
from trygg.picture.files import FORMS, write_picture
from trygg.picture.models import Audience, Part, Section, SituationalPicture
from trygg.release.evidence import build_picture

EXAMPLE = (
    "Exempel skrivet för demonstrationen",
    "Example written for the demonstration",
)


def demo_picture(
    municipality: str, *, at: datetime, users: Mapping[str, User], folder: Path
) -> dict[str, Path]:
    """
    Build, complete, review and approve a picture, and write it to the folder.

    The analyst builds it, the coordinator adds what people know and sends it to joint
    review, the police approve. Returns the path of each form in Swedish.
    """
    analyst, coordinator, police = (
        users[name] for name in ("analytiker", "samordnare", "polis")
    )
    place = municipality_area(municipality)
    picture = build_picture(
        place,
        slug=f"lagesbild-{municipality}-{at.year}",
        title=(
            f"Lägesbild för {place.name} {at.year}",
            f"Situational picture of {place.name} {at.year}",
        ),
        at=at,
        by=analyst,
    )
    _write_as_people_do(picture, by=coordinator, at=at + timedelta(seconds=1))
    actions.submit_for_joint_review(
        picture, by=coordinator, at=at + timedelta(seconds=2)
    )
    actions.approve_picture(picture, by=police, at=at + timedelta(seconds=3))
    content = picture.editions.filter(audience=Audience.PUBLIC).latest("number").content
    paths = {}
    for language in ("sv", "en"):
        document = read(content, language)
        for suffix in FORMS:
            path = folder / f"{picture.slug}-{language}{suffix}"
            write_picture(document, path)
            paths[language, suffix.removeprefix(".")] = path
    return {form: path for (language, form), path in paths.items() if language == "sv"}


def _write_as_people_do(picture: SituationalPicture, *, by: User, at: datetime) -> None:
    """Add what figures cannot say: texts of our own, in the shape of real ones."""
    walk = actions.Source(
        kind="other",
        label=(
            "Anteckningar från trygghetsvandringar (exempel)",
            "Notes from safety walks (example)",
        ),
        source=EXAMPLE,
        dated=str(at.year),
        is_public=True,
    )
    others = actions.add_statement(
        picture,
        part=Part.OTHER,
        section=Section.OTHER,
        text=(
            "Vid trygghetsvandringarna nämnde deltagarna oftast mörka gångvägar och "
            "nedskräpning. De som kom till vandringarna valde själva att delta, så det "
            "säger inget om hur många i kommunen som tycker så.",
            "At the safety walks participants most often mentioned dark footpaths and "
            "litter. Those who came chose to take part themselves, so it says nothing "
            "of how many in the municipality think so.",
        ),
        evidence=[walk],
        is_public=True,
        by=by,
        at=at,
    )
    actions.add_statement(
        picture,
        part=Part.OTHER,
        section=Section.OTHER,
        text=(
            "Polisens och kommunens personal beskriver oro kring två knutpunkter för "
            "kollektivtrafik. Uppgiften är inte prövad mot statistik.",
            "Staff of the police and the municipality describe unrest at two public "
            "transport hubs. This has not been checked against statistics.",
        ),
        evidence=[
            actions.Source(
                kind="other",
                label=("Medarbetardialog (exempel)", "Staff dialogue (example)"),
                source=EXAMPLE,
                dated=str(at.year),
            )
        ],
        by=by,
        at=at,
    )
    conclusion = actions.add_statement(
        picture,
        part=Part.ANALYSIS,
        section=Section.CONCLUSIONS,
        text=(
            "Vi bedömer att arbetet bör utgå från platser och situationer snarare än "
            "från hela områden: otryggheten finns överallt i någon grad, och de flesta "
            "känner sig trygga i alla områden som har en siffra.",
            "We judge that the work should start from places and situations rather "
            "than whole areas: insecurity is found everywhere to some degree, and most "
            "people feel safe in every area that has a figure.",
        )
        if _most_feel_safe_everywhere(picture)
        else (
            "Vi bedömer att arbetet bör utgå från platser och situationer snarare än "
            "från hela områden: otryggheten finns överallt i någon grad.",
            "We judge that the work should start from places and situations rather "
            "than whole areas: insecurity is found everywhere to some degree.",
        ),
        is_public=True,
        by=by,
        at=at,
    )
    actions.add_problem(
        picture,
        # No real place is named in a problem that was made up.
        what=(
            "Exempel: mörka och skräpiga gångvägar",
            "Example: dark and littered footpaths",
        ),
        when=(
            "Vardagskvällar under höst och vinter",
            "Weekday evenings, autumn and winter",
        ),
        who=(
            "De som går eller cyklar hem sent, främst kvinnor och äldre",
            "Those who walk or cycle home late, mostly women and older people",
        ),
        consequences=(
            "Fler tar omvägar eller stannar inne, och platserna blir ännu tommare.",
            "More people take detours or stay in, and the places become emptier still.",
        ),
        statements=[others, conclusion],
        is_public=True,
        by=by,
        at=at,
    )
    actions.add_problem(
        picture,
        what=("Exempel: oro vid två knutpunkter", "Example: unrest at two hubs"),
        when=("Fredags- och lördagskvällar", "Friday and Saturday evenings"),
        who=("Resenärer och personal", "Travellers and staff"),
        consequences=(
            "Orsakerna är inte utredda. En orsaksanalys behövs innan åtgärder väljs.",
            "The causes have not been examined. A cause analysis is needed before "
            "measures are chosen.",
        ),
        by=by,
        at=at,
    )
    actions.add_gap(
        picture,
        text=(
            "Vi vet inte hur barn och unga under 16 år upplever sin skolväg. Det kan "
            "tas upp i en dialog med skolorna.",
            "We do not know how children under 16 experience their way to school. It "
            "can be taken up in a dialogue with the schools.",
        ),
        is_public=True,
        by=by,
        at=at,
    )


def _most_feel_safe_everywhere(picture: SituationalPicture) -> bool:
    """Return whether every interval that is shown for an area lies below a half."""
    shown = [
        evidence.content["high"]
        for statement in picture.statements.filter(section=Section.AREAS)
        for evidence in statement.evidence.all()
        if evidence.content.get("high") is not None
    ]
    return bool(shown) and max(shown) < 0.5
