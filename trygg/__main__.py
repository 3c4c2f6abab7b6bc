"""The platform's command line: `trygg COMMAND`, any Django command included."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trygg.config.settings")
    if sys.argv[1:2] == ["demo"]:
        from trygg.config.demonstration import prepare_environment

        prepare_environment()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(["trygg", *sys.argv[1:]])
    except ImproperlyConfigured as problem:
        sys.stderr.write(f"trygg: {problem}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
