# ruff: noqa: N999  (the command is called import)
"""`trygg import WHAT FILE… --map FILE`: what came in, and what was wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from trygg.areas.importing import import_areas, import_indicators
from trygg.areas.mapping import FOLDER, find_mapping
from trygg.areas.reading.problems import Problem
from trygg.surveys.importing import import_answers


class Came(Protocol):
    """What became of one file."""

    @property
    def problems(self) -> list[Problem]: ...
    @property
    def sentence(self) -> str: ...
    @property
    def is_good(self) -> bool: ...


IMPORTS: dict[str, Callable[..., Came]] = {
    "areas": import_areas,
    "indicators": import_indicators,
    "answers": import_answers,
}


class Command(BaseCommand):
    help = "Load areas, indicators or answers. Problems go to standard error."

    def add_arguments(self, parser: CommandParser) -> None:
        own = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        parser.add_argument("what", choices=sorted(IMPORTS))
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument(
            "--map",
            metavar="FILE",
            help=f"what the columns mean: a TOML file, or one of {own}",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="say what would happen, store nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        load = IMPORTS[options["what"]]
        if options["map"] is None:
            raise CommandError(
                _("Say with --map what the columns of the file mean."), returncode=2
            )
        mapping = find_mapping(options["map"])
        failed = 0
        for name in options["files"]:
            outcome = load(name, mapping, at=timezone.now(), dry_run=options["dry_run"])
            for problem in outcome.problems:
                self.stderr.write(str(problem))
            self.stdout.write(f"{Path(name).name}: {outcome.sentence}")
            failed += not outcome.is_good
        if failed:
            raise CommandError(
                _("%(failed)d of %(all)d files were not loaded.")
                % {"failed": failed, "all": len(options["files"])},
                returncode=1,
            )
