"""The public pages; their words follow the language."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
