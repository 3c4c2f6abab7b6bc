"""The three forms in which a picture is written to a file."""

from __future__ import annotations

from pathlib import Path

from django.contrib.staticfiles import finders
from django.utils.html import format_html
from django.utils.safestring import SafeString

from trygg.picture.document import Document
from trygg.picture.docx import render_docx
from trygg.picture.html import render_html
from trygg.picture.pdf import render_pdf


def write_picture(document: Document, path: Path) -> None:
    """Write the document in the form that the file's ending asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(FORMS[path.suffix](document))


def whole_page(document: Document) -> bytes:
    """Return the document as a page of its own, which opens without the site."""
    page = format_html(
        '<!doctype html>\n<html lang="{}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n"
        '<main class="wrap" id="main">\n<p class="muted">{}</p>\n<h1>{}</h1>\n{}{}\n'
        "</main>\n</body>\n</html>\n",
        document.language,
        document.title,
        _style_sheet(),
        document.word,
        document.title,
        format_html('<p class="note">{}</p>\n', document.synthetic)
        if document.synthetic
        else "",
        render_html(document),
    )
    return page.encode()


def _style_sheet() -> SafeString:
    """Return the site's own style sheet, which needs no escaping inside <style>."""
    return SafeString(Path(str(finders.find("trygg.css"))).read_text(encoding="utf-8"))


FORMS = {".pdf": render_pdf, ".docx": render_docx, ".html": whole_page}
