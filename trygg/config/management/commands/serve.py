"""Serve the site with granian."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


def serve(*, host: str, port: int, workers: int) -> None:
    """Become the server: this never returns."""
    os.execv(  # noqa: S606  (a fixed program, no shell)
        sys.executable,
        [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--host",
            host,
            "--port",
            str(port),
            "--workers",
            str(workers),
            "--blocking-threads",
            "4",
            "--no-access-log",
            "--log-level",
            "warning",
            "trygg.config.wsgi:application",
        ],
    )


class Command(BaseCommand):
    help = "Serve the addresses of TRYGG_SITE (behind nginx in production)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2)

    def handle(self, *args: Any, **options: Any) -> None:
        serve(host=options["host"], port=options["port"], workers=options["workers"])
