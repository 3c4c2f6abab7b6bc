"""
Each public page of the demonstration: time in the server, bytes over the wire.

Bytes are those of a first visit: page, style sheet and icon, compressed as they are
sent. Time is that of a page made anew; a page that is kept takes a tenth of it.
Needs a finished demonstration: `make demo SERVE=0`.
"""

from __future__ import annotations

import gzip
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES, MOST_SECONDS = 60_000, 0.100
ROUNDS = 7


def own_python() -> None:
    """Become the project's own Python: the peers' one has no Django."""
    python = ROOT / ".venv/bin/python"
    if Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), __file__, *sys.argv[1:]])


def demonstration() -> None:
    """Point the settings at the demonstration, or end with what is missing."""
    database = os.environ.setdefault(
        "TRYGG_DATABASE_URL", f"sqlite:///{ROOT / 'var/demo/trygg.sqlite3'}"
    )
    if not Path(database.removeprefix("sqlite:///")).exists():
        sys.exit("There is no demonstration yet: run `make demo SERVE=0` first.")
    os.environ.setdefault("TRYGG_SECRET_KEY", "benchmark")
    os.environ["TRYGG_HOSTS"] = "testserver,127.0.0.1"
    os.environ["TRYGG_DEMO"] = "1"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trygg.config.settings")
    sys.path.insert(0, str(ROOT))


def measure() -> int:
    """Print a line for each page; 1 where one is too heavy or too slow."""
    import re

    import django

    django.setup()
    from django.core.cache import cache
    from django.test import Client

    plain = Client()
    client = Client(headers={"Accept-Encoding": "gzip"})
    static = ROOT / "trygg/static"
    extras = sum(
        len(gzip.compress((static / name).read_bytes()))
        for name in ("trygg.css", "favicon.svg")
    )
    pages = [
        re.sub(r"https?://[^/]+", "", page)
        for language in ("/", "/en/")
        for page in re.findall(
            r"<loc>([^<]+)</loc>", plain.get(f"{language}sitemap.xml").content.decode()
        )
    ]
    failed = 0
    print("page  milliseconds  bytes")
    for page in pages:
        seconds, size = [], 0
        for _round in range(ROUNDS):
            cache.clear()
            start = time.perf_counter()
            response = client.get(page)
            seconds.append(time.perf_counter() - start)
            assert response.status_code == 200, (page, response.status_code)
            size = len(response.content) + extras
        median = statistics.median(seconds)
        too_much = size > MOST_BYTES or median > MOST_SECONDS
        failed += too_much
        print(f"{page}  {1000 * median:.1f}  {size}{'  TOO MUCH' if too_much else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    own_python()
    demonstration()
    sys.exit(measure())
