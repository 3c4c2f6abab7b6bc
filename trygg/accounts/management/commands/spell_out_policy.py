"""Print the access table in words, one line per role and class."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from trygg.accounts.policy import spelled_out


class Command(BaseCommand):
    help = "Print the access table in words, as docs/policy.txt holds it."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("\n".join(spelled_out()))
