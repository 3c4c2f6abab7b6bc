"""Addresses of the staff side."""

from __future__ import annotations

from django.urls import include, path

from trygg.public.views import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("intern/", include("trygg.picture.urls")),
    path("intern/", include("trygg.release.urls")),
    path("intern/konto/", include("trygg.accounts.urls")),
]
