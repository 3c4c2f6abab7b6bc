"""Fetching from the web, politely: a cache with checksums, retries, a rate limit."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any

from django.utils.translation import gettext as _

from trygg.areas.reading.files import LARGEST_MAP, digest_of
from trygg.areas.reading.pxweb import Select, question

CALLS, WINDOW = 10, 10.0  # at most so many calls in so many seconds
TRIES = 5
TIMEOUT = 60.0
PASSING = (408, 429, 500, 502, 503, 504)
LONGEST_WAIT = 30.0


class DownloadFailed(Exception):
    """The service did not give what was asked for. The text says what and why."""


@dataclass
class Fetcher:
    """Fetches addresses politely: with a cache, retries and a rate limit."""

    cache: Path
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _calls: deque[float] = field(default_factory=deque)

    def fetch(
        self, address: str, *, body: dict[str, Any] | None = None, ending: str = ".json"
    ) -> Path:
        """
        Return a file with the answer, from the cache when it is there and whole.

        Raises
        ------
        DownloadFailed
        """
        if not address.startswith(("http://", "https://")):
            raise DownloadFailed(_("%s is not a web address.") % address)
        sent = None if body is None else json.dumps(body, sort_keys=True).encode()
        key = digest_of(address.encode(), sent or b"")[:32]
        path = self.cache / f"{key}{ending}"
        checksum = path.with_suffix(".sha256")
        if path.is_file() and checksum.is_file():
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            if checksum.read_text() == found:
                return path
        data = self._with_retries(address, sent)
        self.cache.mkdir(parents=True, exist_ok=True)
        partly = path.with_suffix(".part")
        partly.write_bytes(data)
        partly.replace(path)
        checksum.write_text(hashlib.sha256(data).hexdigest())
        return path

    def _with_retries(self, address: str, sent: bytes | None) -> bytes:
        why = ""
        for attempt in range(TRIES):
            self._wait_for_a_turn()
            pause = min(2.0**attempt, LONGEST_WAIT)
            try:
                return _call(address, sent)
            except urllib.error.HTTPError as error:
                why = f"{error.code} {error.reason}"
                if error.code not in PASSING:
                    break
                asked = error.headers.get("Retry-After", "")
                if asked.isdigit():
                    pause = min(float(asked), LONGEST_WAIT)
            except (OSError, HTTPException) as error:
                why = str(error) or type(error).__name__
            if attempt < TRIES - 1:
                self.sleep(pause)
        raise DownloadFailed(
            _("%(address)s could not be fetched: %(why)s.")
            % {"address": address.split("?")[0], "why": why}
        )

    def _wait_for_a_turn(self) -> None:
        now = self.clock()
        while self._calls and now - self._calls[0] >= WINDOW:
            self._calls.popleft()
        if len(self._calls) >= CALLS:
            self.sleep(WINDOW - (now - self._calls[0]))
            self._calls.popleft()
        self._calls.append(self.clock())


def _call(address: str, sent: bytes | None) -> bytes:
    request = urllib.request.Request(  # noqa: S310  (checked: http or https)
        address, data=sent, headers={"User-Agent": "Trygg", "Accept": "*/*"}
    )
    if sent is not None:
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        data: bytes = answer.read(LARGEST_MAP + 1)
        expected = answer.headers.get("Content-Length")
    if len(data) > LARGEST_MAP:
        raise HTTPException("the answer is too large")
    if expected and int(expected) != len(data):
        raise HTTPException("the answer was cut off")
    return data


def fetch_file(address: str, folder: Path, select: Select) -> Path:
    """
    Fetch an address into a folder, under a name whose ending says what it holds.

    `select` is what to ask for where the address is one of PxWeb.

    Raises
    ------
    DownloadFailed
    """
    asked, body = question(address, select)
    path = Fetcher(folder).fetch(asked, body=body, ending=".fetched")
    name = PurePosixPath(urllib.parse.urlparse(address).path).name or "fetched"
    ending = _ending(path.read_bytes()[:200])
    if not name.endswith(ending):
        name += ending
    return path.rename(folder / name)


def _ending(start: bytes) -> str:
    """Return the ending by which readers are chosen, from how the content begins."""
    plain = start.lstrip(b"\xef\xbb\xbf \r\n\t")
    if plain.startswith(b"{"):
        return ".json"
    if plain.startswith(b"PK\x03\x04"):
        return ".xlsx"
    return ".px" if plain.startswith((b"CHARSET=", b"AXIS-VERSION=")) else ".csv"
