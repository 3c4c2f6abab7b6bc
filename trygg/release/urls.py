"""Addresses of the workspace for surveys and their figures."""

from __future__ import annotations

from django.urls import path

from trygg.release import views

WAVE = "undersokningar/<slug:slug>/<slug:code>/"

urlpatterns = [
    path("undersokningar/", views.survey_list, name="survey-list"),
    path(WAVE, views.wave_detail, name="wave-detail"),
    path(WAVE + "skatta/", views.wave_estimate, name="wave-estimate"),
    path(
        "publiceringar/<int:pk>/publicera/",
        views.release_publish,
        name="release-publish",
    ),
    path(
        "publiceringar/<int:pk>/dra-tillbaka/",
        views.release_withdraw,
        name="release-withdraw",
    ),
]
