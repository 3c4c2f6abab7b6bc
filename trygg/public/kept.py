"""Public pages are the same for everybody, so a finished one is kept and sent again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from gzip import compress
from hashlib import sha256

from django.core.cache import cache
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers

from trygg.history.models import Event

View = Callable[..., HttpResponse]

SECONDS = 60  # what is loaded without a line in the history shows within this time


def keep(view: View) -> View:
    """
    Send the finished page again as long as nothing has happened since it was made.

    Publishing, withdrawing and approving each add an event, so they show at once: the
    last event is part of the name under which a page is kept. A browser that has the
    same page already is told so (304). The pages hold no secret and echo no input, so
    compressing them gives nothing away.
    """

    @wraps(view)
    def kept(request: HttpRequest, **words: str) -> HttpResponse:
        if request.META.get("QUERY_STRING"):
            return view(request, **words)  # a search; there are too many to keep
        key = name_of(request)
        found: tuple[bytes, bytes, str] | None = cache.get(key)
        if found is None:
            response = view(request, **words)
            if response.status_code != 200:
                return response
            whole = response.content
            found = whole, compress(whole, 6, mtime=0), sha256(whole).hexdigest()[:20]
            cache.set(key, found, SECONDS)
        return _answer(request, *found)

    return kept


def name_of(request: HttpRequest) -> str:
    last = Event.objects.aggregate(last=Max("pk"))["last"]
    minute = int(timezone.now().timestamp()) // SECONDS
    page = f"{request.get_host()} {request.scheme} {request.path}"
    return f"page:{sha256(page.encode()).hexdigest()}:{last}:{minute}"


def _answer(
    request: HttpRequest, whole: bytes, compressed: bytes, digest: str
) -> HttpResponse:
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(compressed if packed else whole)
    if packed:
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(response.content))
    response["Cache-Control"] = "no-cache"  # ask each time; 304 if nothing changed
    response["ETag"] = f'W/"{digest}"'
    patch_vary_headers(response, ["Accept-Encoding"])
    answer = get_conditional_response(request, etag=response["ETag"], response=response)
    assert isinstance(answer, HttpResponse)
    return answer
