"""The workspace."""

from __future__ import annotations

from django.urls import path

from trygg.picture import views

PICTURE = "lagesbilder/<slug:slug>/"
ENTRY = PICTURE + "<slug:kind>/<int:pk>/"
EDITION = PICTURE + "utgava/<slug:audience>/<int:number>/<slug:language>"

urlpatterns = [
    path("", views.start, name="workspace"),
    path("lagesbilder/", views.picture_list, name="picture-list"),
    path(PICTURE, views.picture_detail, name="picture-detail"),
    path(PICTURE + "pastaende/", views.statement_new, name="statement-new"),
    path(PICTURE + "pastaende/<int:pk>/", views.statement_edit, name="statement-edit"),
    path(PICTURE + "problem/", views.problem_new, name="problem-new"),
    path(PICTURE + "kunskapslucka/", views.gap_new, name="gap-new"),
    path(ENTRY + "flytta/", views.entry_move, name="entry-move"),
    path(ENTRY + "ta-ut/", views.entry_remove, name="entry-remove"),
    path(PICTURE + "granskning/", views.picture_submit, name="picture-submit"),
    path(PICTURE + "utkast/", views.picture_return, name="picture-return"),
    path(PICTURE + "godkann/", views.picture_approve, name="picture-approve"),
    path(EDITION + "/", views.edition_detail, name="edition-detail"),
    path(EDITION + ".<slug:form>", views.edition_file, name="edition-file"),
]
