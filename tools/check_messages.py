"""
Fail where a text for users lacks its Swedish, or a translation lacks its text.

    tools/check_messages.py           only look
    tools/check_messages.py --write   bring the catalogues up to date, to be translated
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[1]
APPS = sorted(
    p.parent.parent.parent.parent
    for p in ROOT.glob("trygg/*/locale/sv/LC_MESSAGES/django.po")
)


def collect(app: Path) -> None:
    """Bring the catalogue of one app up to date with Django's own tool."""
    subprocess.run(
        [
            sys.executable,
            "-P",  # an app's own html.py is not Python's
            "-m",
            "django",
            "makemessages",
            "--locale=sv",
            "--no-obsolete",
            "--add-location=file",
            "--no-wrap",
            "--extension=html,txt,py",
            "--verbosity=0",
        ],
        cwd=app,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def messages(path: Path) -> dict[tuple[str, str | None], polib.POEntry]:
    return {(e.msgid, e.msgctxt): e for e in polib.pofile(str(path))}


def faults(app: Path) -> list[str]:
    """Return a sentence for each text that lacks Swedish, and each that is gone."""
    catalogue = Path("locale/sv/LC_MESSAGES/django.po")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / app.name
        shutil.copytree(app, copy)
        collect(copy)
        wanted = messages(copy / catalogue)
    present = messages(app / catalogue)
    found = []
    for key, entry in wanted.items():
        if key not in present:
            found.append(f"{app.name}: not in the catalogue: {key[0]!r}")
        elif not entry.translated():
            found.append(f"{app.name}: without Swedish: {key[0]!r}")
    found += [
        f"{app.name}: no longer in the code: {key[0]!r}"
        for key in present
        if key not in wanted
    ]
    return found


def main() -> int:
    if "--write" in sys.argv:
        for app in APPS:
            collect(app)
        return 0
    found = [fault for app in APPS for fault in faults(app)]
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"translations: {len(APPS)} catalogues, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
