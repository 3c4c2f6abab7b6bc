"""PxWebApi: how its two versions are asked, and the plain JSON that the first gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np

from trygg.areas.reading.table import Coded, Table
from trygg.areas.reading.tables import Layout, number

Select = Mapping[str, Sequence[str]]


def question(address: str, select: Select) -> tuple[str, dict[str, Any] | None]:
    """
    Return the address to fetch and the body to send (None: nothing is sent).

    `select` names the values of each dimension, ["*"] for all. Version 2 is known by
    its addresses, …/tables/TAB1/data; they get the values as a query. Version 1 gets
    a body.

    >>> question("https://x/api/v2/tables/TAB1/data?lang=sv", {"Tid": ["2022"]})[0]
    'https://x/api/v2/tables/TAB1/data?lang=sv&valueCodes%5BTid%5D=2022&outputFormat=json-stat2'
    """
    if not select:
        return address, None
    parts = urlsplit(address)
    if "/tables/" in parts.path and parts.path.rstrip("/").endswith("/data"):
        query = {f"valueCodes[{name}]": ",".join(v) for name, v in select.items()}
        text = urlencode(query | {"outputFormat": "json-stat2"}, safe="*,")
        joined = f"{parts.query}&{text}" if parts.query else text
        return parts._replace(query=joined).geturl(), None
    items = [
        {
            "code": name,
            "selection": {
                "filter": "all" if "*" in values else "item",
                "values": list(values),
            },
        }
        for name, values in select.items()
    ]
    return address, {"query": items, "response": {"format": "json-stat2"}}


def from_columns(content: dict[str, Any], layout: Layout) -> Table:
    """
    Return the plain JSON of version 1, columns and rows of keys and values, as records.

    Raises KeyError, TypeError or ValueError when it is not that.
    """
    columns = content["columns"]
    keys = [c for c in columns if c["type"] in ("d", "t")]
    contents = [c["code"] for c in columns if c["type"] == "c"]
    rows = content["data"]

    def column(test: str, name: str) -> int | None:
        wanted = [
            i
            for i, c in enumerate(keys)
            if (name.casefold() in (c["code"].casefold(), c["text"].casefold()))
            or (not name and c["type"] == test)
        ]
        return wanted[0] if wanted else None

    area = column("d", layout.area)
    period = column("t", layout.period_column)
    if area is None:
        raise KeyError("area")
    others = [i for i in range(len(keys)) if i not in (area, period)]
    varied = [i for i in others if len({row["key"][i] for row in rows}) > 1]
    width = len(contents)

    def spread(texts: list[str]) -> Coded:
        coded = Coded.of(texts)
        return Coded(coded.labels, np.repeat(coded.codes, width))

    periods = [layout.period or row["key"][period] for row in rows]
    groups = [
        ";".join(f"{keys[i]['code']}={row['key'][i]}" for i in varied) for row in rows
    ]
    return Table(
        area=spread([row["key"][area] for row in rows]),
        measure=Coded(contents, np.tile(np.arange(width, dtype=np.int32), len(rows))),
        period=spread(periods),
        group=spread(groups),
        value=np.array([number(v) for row in rows for v in row["values"]], dtype=float),
        line=np.repeat(np.arange(1, len(rows) + 1, dtype=np.int32), width),
    )
