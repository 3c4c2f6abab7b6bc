"""Say who answers for the public site, and how to reach them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from trygg.public.actions import set_publisher


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("municipality", metavar="CODE", help="such as 9999")
        parser.add_argument("place", help="as in “safety in Nyby”")
        parser.add_argument("name", help="of the municipality as an organisation")
        parser.add_argument("--email", default="")
        parser.add_argument("--telephone", default="")
        parser.add_argument("--postal-address", default="")
        parser.add_argument("--data-protection-email", default="")
        parser.add_argument(
            "--assessed-on",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="when the accessibility of the site was last assessed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        fields = (
            "municipality",
            "place",
            "name",
            "email",
            "telephone",
            "postal_address",
            "data_protection_email",
            "assessed_on",
        )
        set_publisher(**{f: options[f] for f in fields}, at=timezone.now())
