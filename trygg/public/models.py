"""Who answers for the site, as its pages say."""

from __future__ import annotations

from django.db import models


class Publisher(models.Model):
    """The municipality behind the site, and how to reach it. There is one row."""

    municipality = models.CharField(max_length=4)  # code, "9999"
    place = models.CharField(max_length=100)  # "Nyby", as in "safety in Nyby"
    name = models.CharField(max_length=200)  # "Nyby kommun"
    email = models.EmailField(blank=True)
    telephone = models.CharField(max_length=40, blank=True)
    postal_address = models.CharField(max_length=300, blank=True)
    data_protection_email = models.EmailField(blank=True)
    assessed_on = models.DateField(null=True, blank=True)  # accessibility

    class Meta:
        constraints = [
            models.CheckConstraint(name="publisher_is_one", condition=models.Q(pk=1))
        ]

    def __str__(self) -> str:
        return self.name
