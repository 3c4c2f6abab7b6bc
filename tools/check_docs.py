"""Fail where a document points at nothing, or a method lacks its page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:trygg|tryggstat|docs|tools|benchmarks)/[\w./*-]+)`")


def documents() -> list[Path]:
    """Return the Markdown files that belong to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines()]


def broken(path: Path) -> list[str]:
    """Return a sentence for each link or path in a document that leads nowhere."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT)
    found = [
        f"{name}: {target} does not exist"
        for target in LINK.findall(text)
        if "://" not in target and not (path.parent / target).exists()
    ]
    found += [
        f"{name}: {target} does not exist"
        for target in PATH.findall(text)
        if not any(ROOT.glob(target.rstrip("/.")))
    ]
    return found


def undocumented_commands() -> list[str]:
    """Return a sentence for each command of the library that no method page names."""
    sys.path.insert(0, str(ROOT))
    from tryggstat.cli import COMMANDS

    pages = "\n".join(
        p.read_text(encoding="utf-8") for p in (ROOT / "docs/methods").glob("*.md")
    )
    return [
        f"docs/methods: no page names the command tryggstat {command}"
        for command in COMMANDS
        if f"tryggstat {command}" not in pages
    ]


def main() -> int:
    paths = documents()
    found = [fault for path in paths for fault in broken(path)]
    found += undocumented_commands()
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"documents: {len(paths)}, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
