"""What released survey figures say, in sentences and charts. Nothing else is read."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

MAIN = "insecurity"  # the question that maps and leads tell of
CERTAIN = 100  # answers; with fewer the figure is marked as uncertain

BLOCKS = {
    "safety": gettext_lazy("Safety"),
    "cohesion": gettext_lazy("Neighbours and well-being"),
    "problems": gettext_lazy("Local problems"),
    "worry": gettext_lazy("Worry about crime"),
    "avoidance": gettext_lazy("What people avoid"),
    "victimisation": gettext_lazy("What people have met with"),
    "trust": gettext_lazy("Trust"),
}
AGAINST = {
    "higher": gettext_lazy("more often than in the rest of the municipality"),
    "lower": gettext_lazy("less often than in the rest of the municipality"),
    "": gettext_lazy("cannot be told from the rest of the municipality"),
}
