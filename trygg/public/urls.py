"""The public pages; their words follow the language."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from trygg.public import views

app_name = "public"
urlpatterns = [
    path("", views.start, name="start"),
    path(_("areas/"), views.areas, name="areas"),
    path(_("areas/<str:code>/"), views.area, name="area"),
    path(_("compass/"), views.compass, name="compass"),
    path(_("situational-pictures/"), views.pictures, name="pictures"),
    path(_("situational-pictures/<slug:slug>/"), views.picture, name="picture"),
    path(_("surveys/"), views.surveys, name="surveys"),
    path(_("surveys/<slug:slug>/"), views.survey, name="survey"),
    path(_("methods/"), views.methods, name="methods"),
    path(_("accessibility/"), views.accessibility, name="accessibility"),
    path(_("cookies/"), views.cookies, name="cookies"),
    path(_("personal-data/"), views.personal_data, name="personal-data"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
]
