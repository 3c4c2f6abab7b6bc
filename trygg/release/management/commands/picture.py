"""trygg picture build CODE [--output FILE.pdf|.docx|.html]"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import override

from trygg.accounts.guard import system
from trygg.areas.models import Area
from trygg.areas.queries import municipality_area
from trygg.history.steps import WrongStep
from trygg.picture import document
from trygg.picture.files import FORMS, write_picture
from trygg.picture.models import Audience
from trygg.release.evidence import NothingToBuildOn, build_picture


class Command(BaseCommand):
    help = "Build a situational picture from stored evidence."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        build = commands.add_parser("build", help="build or build anew, as a draft")
        build.add_argument(
            "code",
            help="code of a municipality, or of areas with commas between them",
        )
        build.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="also write the draft there: .pdf, .docx or .html",
        )
        build.add_argument("--language", choices=["sv", "en"], default="sv")

    def handle(self, *args: Any, **options: Any) -> None:
        code, output, language = (options[n] for n in ("code", "output", "language"))
        if output and output.suffix not in FORMS:
            raise CommandError(
                f"{output} must end in {', '.join(FORMS)}.", returncode=2
            )
        at = timezone.now()
        with system("picture"), override("sv"):
            places = _places(code)
            name_sv, name_en = _names(places)
            try:
                picture = build_picture(
                    places,
                    slug=f"lagesbild-{code.replace(',', '-').lower()}-{at.year}",
                    title=(
                        f"Lägesbild för {name_sv} {at.year}",
                        f"Situational picture of {name_en} {at.year}",
                    ),
                    at=at,
                )
            except NothingToBuildOn:
                raise CommandError(
                    f"No survey is published for {code} yet.", returncode=1
                ) from None
            except WrongStep:
                raise CommandError(
                    "The picture of this year is approved. Reopen it in the workspace "
                    "before it is built anew.",
                    returncode=1,
                ) from None
            if output:
                content = document.freeze(
                    picture, Audience.INTERNAL, number=0, at=at, is_approved=False
                )
                write_picture(document.read(content, language), output)
            count = picture.statements.filter(removed_at=None).count()
        self.stdout.write(f"{picture}: a draft with {count} statements.")


def _places(codes: str) -> list[Area]:
    """Return the municipality, or the areas of the newest geography that has them."""
    if "," not in codes:
        try:
            return [municipality_area(codes)]
        except Area.DoesNotExist:
            pass
    wanted = codes.split(",")
    rows = (
        Area.objects.filter(code__in=wanted)
        .exclude(municipality="")
        .select_related("geography")
        .order_by("-geography__valid_from", "code")
    )
    newest: dict[str, Area] = {}
    for area in rows:
        newest.setdefault(area.code, area)
    if missing := [code for code in wanted if code not in newest]:
        raise CommandError(f"There is no area {', '.join(missing)}.", returncode=2)
    if len({area.municipality for area in newest.values()}) > 1:
        raise CommandError("The areas lie in several municipalities.", returncode=2)
    return [newest[code] for code in wanted]


def _names(places: list[Area]) -> tuple[str, str]:
    if len(places) < 4:
        names = [area.name for area in places]
        return " och ".join(names), " and ".join(names)
    place = municipality_area(places[0].municipality).name
    return f"{len(places)} områden i {place}", f"{len(places)} areas in {place}"
