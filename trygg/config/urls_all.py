"""Both sites on one host: for the demonstration and for trials."""

from __future__ import annotations

from trygg.config import urls_public, urls_staff

urlpatterns = [*urls_staff.urlpatterns[1:], *urls_public.urlpatterns]
