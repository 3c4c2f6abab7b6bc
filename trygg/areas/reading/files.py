"""Guards before a file is parsed: size, magic bytes, what an archive would become."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from trygg.areas.reading.problems import BadFile, Problem

LARGEST_TABLE = 64 * 2**20
LARGEST_MAP = 512 * 2**20
MOST_ENTRIES = 2_000
MOST_UNPACKED = 100 * 2**20
HIGHEST_RATIO = 100
ARCHIVES = (".zip", ".7z", ".gz", ".rar", ".tar", ".xlsx", ".docx")
SPACE = b"\xef\xbb\xbf \r\n\t"
MAGIC = {
    ".xlsx": b"PK\x03\x04",
    ".zip": b"PK\x03\x04",
    ".gpkg": b"SQLite format 3\x00",
    ".parquet": b"PAR1",
    ".geoparquet": b"PAR1",
    ".shp": b"\x00\x00\x27\x0a",
    ".geojson": b"{",
    ".json": b"{",
}


def refuse(path: Path, what: str, what_to_do: str = "") -> BadFile:
    return BadFile(Problem(path.name, None, None, what, what_to_do))


def digest_of(*parts: bytes) -> str:
    """Return the SHA-256 of the parts, each with its length before it."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def check(path: Path, *, largest: int = LARGEST_TABLE) -> None:
    """Look at a file from outside. Raises BadFile with the sentence to show."""
    if not path.is_file():
        raise refuse(path, _("There is no such file."))
    size = path.stat().st_size
    if size == 0:
        raise refuse(path, _("The file is empty."))
    if size > largest:
        raise refuse(
            path,
            _("The file is %(size)d MB; at most %(most)d MB is read.")
            % {"size": size >> 20, "most": largest >> 20},
            _("Split it into smaller files."),
        )
    expected = MAGIC.get(path.suffix.lower(), b"")
    with path.open("rb") as file:
        if not file.read(len(expected) + 100).lstrip(SPACE).startswith(expected):
            raise refuse(
                path,
                _("The content is not what the ending %(ending)s says.")
                % {"ending": path.suffix},
                _("Save it again from the program it comes from."),
            )
    if expected == MAGIC[".zip"]:
        check_archive(path)


def check_archive(path: Path) -> None:
    """Look through the list of an archive before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        raise refuse(path, _("The archive is damaged."), _("Save it again.")) from None
    if len(entries) > MOST_ENTRIES:
        raise refuse(path, _("The archive holds too many files."))
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(sum(entry.compress_size for entry in entries), 1)
    if unpacked > MOST_UNPACKED or unpacked / packed > HIGHEST_RATIO:
        raise refuse(
            path,
            _("The archive would swell to %(size)d MB, so it is not opened.")
            % {"size": unpacked >> 20},
            _("Save the table as CSV instead."),
        )
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        is_link = (entry.external_attr >> 16) & 0o170000 == 0o120000
        if name.is_absolute() or ".." in name.parts or is_link:
            raise refuse(path, _("The archive holds a path that leads out of it."))
        if name.suffix.lower() in ARCHIVES:
            raise refuse(path, _("The archive holds another archive."))
        if name.name.lower() == "vbaproject.bin":
            raise refuse(
                path, _("The workbook holds macros."), _("Save it as .xlsx without.")
            )
