"""The main job on an embedded database, and the site that shows the result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from trygg.accounts.demo import PASSWORD, create_demo_users
from trygg.accounts.guard import system
from trygg.areas import demo as areas_demo
from trygg.config import demonstration
from trygg.config.management.commands.serve import serve
from trygg.public import demo as public_demo
from trygg.release import demo as release_demo
from trygg.surveys import demo as surveys_demo


class Command(BaseCommand):
    help = "Build the demonstration under var/demo/ and serve it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--no-serve", action="store_true", help="end after the main job"
        )
        parser.add_argument(
            "--municipality",
            metavar="CODE",
            help="download this municipality; 9999 is the fictional one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        port: int = options["port"]
        serves = not options["no_serve"]
        if serves and not demonstration.port_is_free(port):
            raise CommandError(
                f"Port {port} is taken on this machine: stop what listens there, "
                f"or choose another, for example: make demo PORT={port + 1}",
                returncode=1,
            )
        # A polite stop is an interruption like Ctrl-C: the half-made database goes.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            with demonstration.building(), translation.override("sv"), system("demo"):
                summary = self.main_job(options["municipality"])
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. Nothing half-made was left behind.", returncode=130
            ) from None
        path = demonstration.HOME / "summary.json"
        path.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        self.tell(summary, port if serves else None)
        if serves:
            os.environ["TRYGG_DATABASE_URL"] = f"sqlite:///{demonstration.database()}"
            # Ends with the server, which takes the place of this process.
            subprocess.Popen([sys.executable, "-m", "trygg", "worker", "--with-parent"])
            serve(host="127.0.0.1", port=port, workers=2)

    def main_job(self, municipality: str | None) -> dict[str, Any]:
        """Go the whole way from open data to a situational picture."""
        at = timezone.now()
        seconds: dict[str, float | None] = {"install": install_seconds()}
        began = perf_counter()

        with self.step("An empty database", seconds, "migrate"):
            call_command("migrate", verbosity=0, skip_checks=True)
            call_command("collectstatic", verbosity=0, interactive=False)
            users = create_demo_users(at=at)
        with self.step("Areas and open statistics", seconds, "load"):
            places = areas_demo.load_demo(municipality, at=at)
            public_demo.load_demo_publisher(places["municipality"], at=at)
        with self.step("A synthetic safety survey", seconds, "survey"):
            survey = surveys_demo.load_demo_survey(places["municipality"], at=at)
        with self.step("Estimates, and what may be shown of them", seconds, "estimate"):
            estimates = release_demo.release_demo(places["municipality"], at=at)
        with self.step("The social compass", seconds, "compass"):
            compass = areas_demo.compass_demo(places["municipality"], at=at)
        with self.step("The situational picture", seconds, "picture"):
            picture = release_demo.demo_picture(
                places["municipality"],
                at=at,
                users=users,
                folder=demonstration.HOME / "pictures",
            )
        del seconds["migrate"]
        seconds["total"] = round(perf_counter() - began, 3)
        return {
            "municipality": places["municipality"],
            "data": places["data"],
            "areas": places["areas"],
            "survey": survey,
            "estimates": estimates["estimates"],
            "suppressed": estimates["suppressed"],
            "compass": compass,
            "picture": {
                form: str(Path(path).relative_to(demonstration.ROOT))
                for form, path in picture.items()
            },
            "seconds": seconds,
        }

    @contextmanager
    def step(
        self, what: str, seconds: dict[str, float | None], name: str
    ) -> Iterator[None]:
        """Say what goes on, and for how long it went on."""
        self.stdout.write(f"  {what} …", ending="")
        self.stdout.flush()
        began = perf_counter()
        yield
        seconds[name] = round(perf_counter() - began, 3)
        self.stdout.write(f" {seconds[name]:.1f} s")

    def tell(self, summary: dict[str, Any], port: int | None) -> None:
        """Print what was made and where to look."""
        survey, areas = summary["survey"], summary["areas"]
        self.stdout.write(
            f"\nMunicipality {summary['municipality']} ({summary['data']}): "
            f"{areas['deso']} DeSO and {areas['regso']} RegSO areas.\n"
            f"Synthetic survey: {survey['answers']} answers of {survey['invited']} "
            f"invited ({survey['response_rate']:.0%}).\n"
            f"{summary['estimates']} estimates, {summary['suppressed']} figures "
            f"withheld. {summary['seconds']['total']:.1f} s in all.\n"
            f"Situational picture: {summary['picture']['pdf']}"
        )
        if port is not None:
            self.stdout.write(
                f"\nThe site       http://127.0.0.1:{port}/\n"
                f"In English     http://127.0.0.1:{port}/en/\n"
                f"The workspace  http://127.0.0.1:{port}/intern/\n"
                "Log-ins        samordnare, analytiker, polis and others "
                "(listed on the sign-in page)\n"
                f"Password       {PASSWORD}\n\nStop with Ctrl-C.\n"
            )


def install_seconds() -> int | None:
    """Return how long tools/setup.sh installed just now, None if it did not."""
    note = Path(sys.prefix) / "last-install"
    return int(note.read_text()) if note.exists() else None
