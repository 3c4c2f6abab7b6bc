"""The platform's command line: `trygg COMMAND`, any Django command included."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trygg.config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["trygg", *sys.argv[1:]])


if __name__ == "__main__":
    main()
