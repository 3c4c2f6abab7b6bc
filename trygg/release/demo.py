"""The demonstration's releases, and the picture that is built on them."""

from __future__ import annotations

from datetime import datetime

from trygg.accounts.models import User
from trygg.accounts.policy import Role
from trygg.release.actions import prepare_release, publish_release
from trygg.release.demo_picture import demo_picture
from trygg.release.models import Figure
from trygg.surveys.analysis import compute_estimates
from trygg.surveys.models import Wave

__all__ = ["demo_picture", "release_demo"]


def release_demo(municipality: str, *, at: datetime) -> dict[str, int]:
    """
    Estimate and publish every wave of the municipality that has no release yet.

    The analyst prepares and the coordinator publishes, where the database has them.
    Returns how many estimates there are, and how many figures are withheld.
    """
    analyst, coordinator = _holder(Role.ANALYST), _holder(Role.COORDINATOR)
    waves = Wave.objects.filter(municipality__code=municipality, releases=None)
    estimates = 0
    for wave in waves.select_related("survey"):
        estimates += compute_estimates(wave, at=at)
        release = prepare_release(wave, at=at, by=analyst)
        publish_release(release, by=coordinator, at=at)
    withheld = Figure.objects.filter(
        release__wave__municipality__code=municipality, is_shown=False
    )
    return {"estimates": estimates, "suppressed": withheld.count()}


def _holder(role: Role) -> User | None:
    return User.objects.filter(held_roles__role=role.value).order_by("pk").first()
