"""What the frame of a page needs, and numbers and dates as they are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.template import Context
from django.urls import NoReverseMatch, reverse, translate_url
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from trygg.common.middleware import WORD

register = template.Library()

MAIN_MENU = (
    ("public:areas", gettext_lazy("Areas")),
    ("public:compass", gettext_lazy("The social compass")),
    ("public:surveys", gettext_lazy("Surveys")),
    ("public:pictures", gettext_lazy("Situational pictures")),
    ("public:methods", gettext_lazy("How we do it")),
)
FOOTER_MENU = (
    ("public:accessibility", gettext_lazy("Accessibility")),
    ("public:cookies", gettext_lazy("Cookies")),
    ("public:personal-data", gettext_lazy("Personal data")),
    ("public:methods", gettext_lazy("How we do it")),
)
STAFF_MENU = (
    ("/intern/", gettext_lazy("Overview")),
    ("/intern/lagesbilder/", gettext_lazy("Situational pictures")),
    ("/intern/undersokningar/", gettext_lazy("Surveys")),
    ("/", gettext_lazy("The public site")),
)
OWN_NAMES = {"sv": "Svenska", "en": "English"}


@register.simple_tag(name="page")
def address(name: str) -> str:
    """Return the page's address, or the front page where this process lacks it."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return "/"


def existing(entries: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return address and label of the pages that this process serves."""
    links = [(address(name), str(label)) for name, label in entries]
    return [(href, label) for href, label in links if href != "/"]


def menu(request: HttpRequest | None, links: list[tuple[str, str]]) -> SafeString:
    """Return a list of links, the one that leads to where we are marked as such."""
    here = request.path if request else ""
    home = ("/", "/intern/")
    rows = (
        (
            href,
            SafeString(' aria-current="page"')
            if here == href or (href not in home and here.startswith(href))
            else "",
            label,
        )
        for href, label in links
    )
    items = format_html_join("", '<li><a href="{}"{}>{}</a></li>', rows)
    return format_html("<ul>{}</ul>", items)


@register.simple_tag(takes_context=True)
def main_menu(context: Context) -> SafeString:
    return menu(context.get("request"), existing(MAIN_MENU))


@register.simple_tag(takes_context=True)
def footer_menu(context: Context) -> SafeString:
    return menu(context.get("request"), existing(FOOTER_MENU))


@register.simple_tag(takes_context=True)
def staff_menu(context: Context) -> SafeString:
    pages = [(address, str(name)) for address, name in STAFF_MENU]
    if context.get("may_see_accounts"):  # set by accounts.context
        pages.insert(-1, ("/intern/konto/konton/", _("Accounts")))
    return menu(context.get("request"), pages)


def same_page(request: HttpRequest) -> list[tuple[str, str]]:
    """Return each other language with the address of this page in it, if it has one."""
    here = request.get_full_path()
    pages = (
        (code, translate_url(here, code))
        for code, _name in settings.LANGUAGES
        if code != get_language()
    )
    return [(code, page) for code, page in pages if page != here]


@register.simple_tag(takes_context=True)
def language_switch(context: Context) -> SafeString:
    """Return links to the same page in the other languages."""
    request = context.get("request")
    if request is None:
        return SafeString("")
    links = format_html_join(
        " ",
        '<a href="{}" lang="{}" hreflang="{}">{}</a>',
        ((page, code, code, OWN_NAMES[code]) for code, page in same_page(request)),
    )
    return format_html(
        '<nav class="langs" aria-label="{}">{}</nav>', _("Language"), links
    )


@register.simple_tag(takes_context=True)
def alternates(context: Context) -> SafeString:
    """Return what tells search engines where the page is in the other languages."""
    request: Any = context.get("request")
    if request is None:
        return SafeString("")
    pages = [(str(get_language()), request.get_full_path()), *same_page(request)]
    return format_html_join(
        "\n",
        '<link rel="alternate" hreflang="{}" href="{}">',
        ((code, request.build_absolute_uri(page)) for code, page in pages),
    )


@register.simple_tag
def staff_languages() -> SafeString:
    """Return links that show the staff side in the other languages."""
    return format_html_join(
        " ",
        '<a href="?{}={}" lang="{}" hreflang="{}">{}</a>',
        (
            (WORD, code, code, code, OWN_NAMES[code])
            for code, _name in settings.LANGUAGES
            if code != get_language()
        ),
    )
