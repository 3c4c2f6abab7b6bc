"""The public pages; their words follow the language."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from trygg.public import views

app_name = "public"
urlpatterns = [
    path("", views.start, name="start"),
    path(_("accessibility/"), views.accessibility, name="accessibility"),
    path(_("cookies/"), views.cookies, name="cookies"),
    path(_("personal-data/"), views.personal_data, name="personal-data"),
    path("robots.txt", views.robots, name="robots"),
]
