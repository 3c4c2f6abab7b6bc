"""Addresses of the public site: Swedish at the root, English under /en/."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from trygg.public.views import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    *i18n_patterns(
        path("", include("trygg.public.urls")), prefix_default_language=False
    ),
]
