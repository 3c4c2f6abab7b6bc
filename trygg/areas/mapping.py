"""The mapping file: what the columns of somebody's table mean to us (TOML)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from trygg.areas.models import Combining
from trygg.areas.reading.files import refuse
from trygg.areas.reading.pxweb import Select
from trygg.areas.reading.tables import Layout

FOLDER = Path(__file__).parent / "mappings"
UNITS = ("persons", "percent", "tkr", "households", "class", "number")
CODE, NAME, MUNICIPALITY_AND_NAME = "code", "name", "municipality (name)"
AREA_IS = (CODE, NAME, MUNICIPALITY_AND_NAME)


@dataclass(frozen=True)
class Measure:
    """One indicator: a column of the table, or a share that is made of columns."""

    code: str
    sv: str
    en: str
    unit: str
    column: str = ""
    period: str = ""  # where it is another than the table's
    n: str = ""  # the column that says how many persons are behind the figure
    of: tuple[str, ...] = ()  # a share in per cent: the sum of these columns …
    per: tuple[str, ...] = ()  # … per the sum of these
    direction: int = 0
    combines: str = ""
    classification: bool = False
    classes: tuple[int, ...] = ()  # the only values there are
    profile: int | None = None
    note_sv: str = ""
    note_en: str = ""

    @property
    def combining(self) -> str:
        if self.combines:
            return self.combines
        is_count = self.unit in ("persons", "households")
        return Combining.SUM if is_count else Combining.MEAN

    @property
    def columns(self) -> set[str]:
        return {c for c in (self.column, self.n, *self.of, *self.per) if c}


@dataclass(frozen=True)
class Sum:
    """Columns that should add up to another one, as nearly as the source lets them."""

    total: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Mapping:
    """All that a mapping file says."""

    code: str
    title: str
    publisher: str
    licence: str
    geography: str
    layout: Layout
    measures: tuple[Measure, ...]
    sums: tuple[Sum, ...] = ()
    area_is: str = CODE
    area_suffix: str = ""  # what the source adds to the codes: "_DeSO2018"
    carry_up: bool = False  # work out figures for the areas that these are part of
    table_id: str = ""
    address: str = ""
    # what to ask a PxWeb address for: dimension → values, ["*"] for all
    select: Select = field(default_factory=dict)
    source: bytes = b""  # the file itself, for the digest


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file for figures. Raises BadFile with what is wrong in it."""
    raw = read_toml(path)
    try:
        return _mapping(raw, path.read_bytes())
    except _Wrong as error:
        raise refuse(path, str(error)) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read any mapping file as it is. Raises BadFile when it is not TOML."""
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError:
        raise refuse(path, _("There is no such mapping file.")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        what = _("The mapping file is not TOML: %(error)s.") % {"error": error}
        raise refuse(path, what) from None


def find_mapping(name: str) -> Path:
    """Return the mapping file of that path, or of that name among our own."""
    own = FOLDER / f"{name}.toml"
    return own if own.is_file() else Path(name)


def own_mapping(name: str) -> Mapping:
    """Return one of the mappings that come with Trygg."""
    return read_mapping(FOLDER / f"{name}.toml")


class _Wrong(Exception):
    """Something in the mapping that cannot be meant so."""


def _mapping(raw: dict[str, Any], source: bytes) -> Mapping:
    dataset, table = _part(raw, "dataset"), dict(_part(raw, "table"))
    measures = tuple(_measure(entry) for entry in raw.get("measure", []))
    if not measures:
        raise _Wrong(_("The mapping names no measure."))
    sums = tuple(
        Sum(entry["total"], tuple(entry["parts"])) for entry in raw.get("sum", [])
    )
    area_is = table.pop("area_is", CODE)
    if area_is not in AREA_IS:
        raise _Wrong(
            _("area_is must be one of: %(allowed)s.") % {"allowed": ", ".join(AREA_IS)}
        )
    geography = table.pop("geography", "")
    carry_up = table.pop("carry_up", False)
    area_suffix = table.pop("area_suffix", "")
    wide = {c: None for m in measures for c in sorted(m.columns)}
    wide |= {c: None for s in sums for c in (s.total, *s.parts)}
    try:
        layout = Layout(
            area=table.pop("area"),
            group_columns=tuple(table.pop("group_columns", ())),
            measure_dimensions=tuple(table.pop("measure_dimensions", ())),
            measures=() if table.get("value_column") else tuple(wide),
            **table,
        )
        return Mapping(
            geography=geography,
            layout=layout,
            measures=measures,
            sums=sums,
            area_is=area_is,
            carry_up=carry_up,
            area_suffix=area_suffix,
            select={name: tuple(v) for name, v in raw.get("select", {}).items()},
            source=source,
            **dataset,
        )
    except (KeyError, TypeError) as error:
        raise _Wrong(_("The mapping lacks or has too much: %s.") % error) from None


def _part(raw: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(raw.get(name), dict):
        raise _Wrong(_("The part [%(name)s] is missing.") % {"name": name})
    part: dict[str, Any] = raw[name]
    return part


def _measure(entry: dict[str, Any]) -> Measure:
    try:
        lists = {k: tuple(v) for k, v in entry.items() if isinstance(v, list)}
        measure = Measure(**entry | lists)
    except TypeError as error:
        raise _Wrong(_("A measure lacks or has too much: %s.") % error) from None
    if measure.unit not in UNITS:
        raise _Wrong(
            _("The unit of %(code)s must be one of: %(allowed)s.")
            % {"code": measure.code, "allowed": ", ".join(UNITS)}
        )
    if bool(measure.column) == bool(measure.of and measure.per):
        raise _Wrong(
            _("%(code)s needs either a column, or of and per.") % {"code": measure.code}
        )
    return measure
