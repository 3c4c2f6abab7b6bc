import zipfile

import pytest

from trygg.areas.reading import files
from trygg.areas.reading.problems import BadFile


def archive(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries:
            made.writestr(name, data)
    return path


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o120777 << 16
    return entry


ARCHIVES = [
    ([("a.xml", b"0" * 30_000_000)], "would swell to 28 MB"),
    ([("../../etc/x", b"1")], "a path that leads out of it"),
    ([("/etc/x", b"1")], "a path that leads out of it"),
    ([(link("x"), b"/etc/passwd")], "a path that leads out of it"),
    ([("inner.zip", b"1")], "holds another archive"),
    ([("xl/vbaProject.bin", b"1")], "holds macros"),
    ([(f"{i}.xml", b"1") for i in range(2_001)], "too many files"),
]


@pytest.mark.parametrize(("entries", "sentence"), ARCHIVES)
def test_a_hostile_archive_is_refused_before_it_is_opened(tmp_path, entries, sentence):
    path = archive(tmp_path / "t.xlsx", entries)
    with pytest.raises(BadFile, match=sentence):
        files.check(path)


def test_an_ordinary_archive_passes(tmp_path):
    files.check(archive(tmp_path / "t.xlsx", [("xl/a.xml", b"<a>some text</a>")]))


@pytest.mark.parametrize("name", ["t.xlsx", "t.gpkg", "t.parquet", "t.json", "t.shp"])
def test_content_that_is_not_what_the_ending_says_is_refused(write, name):
    with pytest.raises(BadFile, match="not what the ending"):
        files.check(write(b"<OGRVRTDataSource>", name))


def test_a_damaged_archive_is_refused(write):
    with pytest.raises(BadFile, match="damaged"):
        files.check(write(b"PK\x03\x04 and no more", "t.xlsx"))


def test_a_file_that_is_too_large_is_refused(write):
    with pytest.raises(BadFile, match="at most 0 MB"):
        files.check(write(b"12345"), largest=4)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(BadFile, match="There is no such file"):
        files.check(tmp_path / "nowhere.csv")
