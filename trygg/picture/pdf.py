"""The picture on paper: PDF/UA-1, which fails to build where an alternative lacks."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import font_source_sans_pro
import typst

from trygg.picture.document import Document
from trygg.picture.drawing import map_svg, swatch_svg

TEMPLATE = Path(__file__).parent / "templates" / "picture" / "picture.typ"
FIGURES = ("map", "chart")


def render_pdf(document: Document) -> bytes:
    """Return the document as a tagged PDF."""
    return _compile(document, format="pdf", pdf_standards=["ua-1"])


def figure_png(document: Document, number: int) -> bytes:
    """Return one map or chart of the document as a picture."""
    return _compile(document, only=str(number), format="png", ppi=170)


def _compile(document: Document, *, only: str = "", **options: Any) -> bytes:
    inputs = {"document": _as_json(document)}
    if only:
        inputs["only"] = only
    compiled = typst.compile(
        _template(), font_paths=_fonts(), sys_inputs=inputs, **options
    )
    return bytes(compiled)


def _as_json(document: Document) -> str:
    data = asdict(document)
    data["author"] = [text for _term, text in document.facts][3:4]
    data["figures"] = []
    for chapter, frozen in zip(data["chapters"], document.chapters, strict=True):
        for block, original in zip(chapter["blocks"], frozen.blocks, strict=True):
            if block["kind"] == "map":
                del block["shapes"]
                block["svg"] = map_svg(original)  # type: ignore[arg-type]
                for group in block["groups"]:
                    group["swatch"] = swatch_svg(group["code"])
            if block["kind"] in FIGURES:
                data["figures"].append(block)
    return json.dumps(data, ensure_ascii=False)


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


@cache
def _fonts() -> typst.Fonts:
    folder = Path(font_source_sans_pro.__file__).parent / "files"
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(folder)],
    )
