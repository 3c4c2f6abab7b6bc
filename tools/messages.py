"""
Compile all translations below trygg/ into one catalogue per language inside .venv.

Each app keeps its own .po; a message means the same everywhere, so one app's
translation that contradicts another's is an error.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[1]
TARGET = Path(sys.prefix) / "share" / "trygg" / "locale"


def catalogues() -> dict[str, list[Path]]:
    """Return the .po files of each language."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((ROOT / "trygg").rglob("locale/*/LC_MESSAGES/django.po")):
        found[path.parts[-3]].append(path)
    return found


def merged(paths: list[Path]) -> polib.POFile:
    """Join catalogues. Raises SystemExit where two of them contradict each other."""
    whole = polib.POFile()
    known: dict[tuple[str, str | None], tuple[polib.POEntry, Path]] = {}
    for path in paths:
        one = polib.pofile(str(path))
        whole.metadata = whole.metadata or one.metadata
        for entry in one.translated_entries():
            key = entry.msgid, entry.msgctxt
            first, where = known.setdefault(key, (entry, path))
            if first is entry:
                whole.append(entry)
            elif (first.msgstr, first.msgstr_plural) != (
                entry.msgstr,
                entry.msgstr_plural,
            ):
                raise SystemExit(
                    f"{entry.msgid!r} is translated in two ways: {first.msgstr!r} in "
                    f"{where.relative_to(ROOT)}, {entry.msgstr!r} in "
                    f"{path.relative_to(ROOT)}"
                )
    return whole


def main() -> None:
    for language, paths in catalogues().items():
        target = TARGET / language / "LC_MESSAGES" / "django.mo"
        newest = max(path.stat().st_mtime for path in paths)
        if not target.exists() or target.stat().st_mtime < newest:
            target.parent.mkdir(parents=True, exist_ok=True)
            merged(paths).save_as_mofile(str(target))


if __name__ == "__main__":
    main()
