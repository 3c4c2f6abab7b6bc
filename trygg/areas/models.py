"""Areas over time, and what is known about them from open statistics."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class GeographyKind(models.TextChoices):
    DESO = "deso", _("DeSO (demographic statistical areas)")
    REGSO = "regso", _("RegSO (regional statistical areas)")
    MUNICIPALITY = "municipality", _("municipality")
    NYKO = "nyko", _("NYKO (the municipality's own key-code areas)")
    POLICE = "police", _("police areas")
    OTHER = "other", _("other division")


class Geography(models.Model):
    """One version of a division of the land into areas: DeSO 2018, RegSO 2020 …"""

    code = models.SlugField(unique=True)  # "deso-2018"
    kind = models.CharField(max_length=20, choices=GeographyKind)
    name = models.CharField(max_length=200)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    source = models.CharField(max_length=200)
    licence = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the map file
    retrieved_on = models.DateField(null=True, blank=True)
    is_fictional = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="geography_ends_after_it_starts",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="geography_kind_is_known",
                condition=Q(kind__in=GeographyKind.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Area(models.Model):
    """One area of one geography. Coordinates are metres in SWEREF 99 TM (EPSG:3006)."""

    geography = models.ForeignKey(Geography, models.PROTECT, related_name="areas")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    search = models.CharField(max_length=200)  # case-folded name, for SQLite's sake
    municipality = models.CharField(max_length=4, db_index=True)  # code, "0380"
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="parts"
    )
    predecessors = models.ManyToManyField(
        "self", symmetrical=False, related_name="successors", blank=True
    )
    shape = models.BinaryField(null=True)  # WKB
    min_x = models.FloatField(null=True)
    min_y = models.FloatField(null=True)
    max_x = models.FloatField(null=True)
    max_y = models.FloatField(null=True)
    path = models.TextField(
        blank=True
    )  # simplified outline: SVG path data, y downwards

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["geography", "code"], name="area_code_is_unique_in_geography"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})" if self.name != self.code else self.code


class Crosswalk(models.Model):
    """Weights that carry figures from one geography to another."""

    source = models.ForeignKey(Geography, models.PROTECT, related_name="+")
    target = models.ForeignKey(Geography, models.PROTECT, related_name="+")
    by = models.CharField(
        max_length=10, choices=[("area", _("area")), ("population", _("population"))]
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "target", "by"], name="crosswalk_is_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.target} ({self.by})"


class CrosswalkWeight(models.Model):
    """The share of the source area's people or land that lies in the target area."""

    crosswalk = models.ForeignKey(Crosswalk, models.CASCADE, related_name="weights")
    source = models.ForeignKey(Area, models.PROTECT, related_name="+")
    target = models.ForeignKey(Area, models.PROTECT, related_name="+")
    weight = models.FloatField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="crosswalk_weight_is_a_share",
                condition=Q(weight__gt=0, weight__lte=1.0000001),
            ),
            models.UniqueConstraint(
                fields=["crosswalk", "source", "target"], name="crosswalk_pair_is_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id}: {self.weight}"


class Dataset(models.Model):
    """A table of open statistics that is loaded again and again."""

    code = models.SlugField(unique=True)  # "scb-deso-2022"
    title = models.CharField(max_length=300)
    publisher = models.CharField(max_length=200)
    licence = models.CharField(max_length=100)
    table_id = models.CharField(max_length=100, blank=True)  # the publisher's own
    address = models.URLField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.title


class DatasetVersion(models.Model):
    """One loading of a dataset. Older versions stay readable; the newest is current."""

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)  # SHA-256 of file, mapping, area list
    file_name = models.CharField(max_length=300)
    loaded_at = models.DateTimeField()
    retrieved_on = models.DateField(null=True, blank=True)
    geography = models.ForeignKey(Geography, models.PROTECT, null=True)
    report = models.JSONField(default=dict)  # rows read, left out and why, warnings

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "number"], name="dataset_version_number_is_one"
            ),
            models.UniqueConstraint(
                fields=["dataset", "digest"], name="same_file_is_loaded_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"


class Combining(models.TextChoices):
    """How figures of small areas become a figure of a larger one."""

    SUM = "sum", _("added up")
    MEAN = "mean", _("weighted by the persons behind each figure")
    APPROXIMATE = "approximate", _("weighted mean of medians: approximate")
    NEVER = "never", _("cannot be combined")


class Indicator(models.Model):
    """Something measured for areas, with what is needed to read it rightly."""

    code = models.SlugField(unique=True, max_length=80)
    name_sv = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200)
    unit = models.CharField(
        max_length=20,
        choices=[
            ("persons", _("persons")),
            ("percent", _("per cent")),
            ("tkr", _("thousand kronor")),
            ("households", _("households")),
            ("class", _("class")),
            ("number", _("number")),
        ],
    )
    # +1: more is better conditions, −1: more is harder conditions, 0: neither
    direction = models.SmallIntegerField(default=0)
    note_sv = models.TextField(blank=True)  # how to read it, and what it does not say
    note_en = models.TextField(blank=True)
    is_classification = models.BooleanField(default=False)  # set by others, never by us
    combines = models.CharField(
        max_length=12, choices=Combining, default=Combining.NEVER
    )
    # {"of": [codes], "per": [codes]} for a share that we work out from counts
    formula = models.JSONField(null=True, blank=True)
    # place in an area's profile; null: not shown there
    profile_order = models.PositiveSmallIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return self.code

    @property
    def name(self) -> str:
        return self.name_en if get_language() == "en" else self.name_sv

    @property
    def note(self) -> str:
        return self.note_en if get_language() == "en" else self.note_sv


class Observation(models.Model):
    """A figure for an area, a period and a group, from one version of a dataset."""

    # One index serves all reads, in the order in which rows are written: 350,000 rows
    # of a national table are stored in a second. So the keys have none of their own.
    version = models.ForeignKey(DatasetVersion, models.PROTECT, db_index=False)
    indicator = models.ForeignKey(Indicator, models.PROTECT, db_index=False)
    area = models.ForeignKey(Area, models.PROTECT, db_index=False)
    period = models.CharField(max_length=20)  # "2022", "2022M03"
    group = models.CharField(max_length=200, blank=True)  # "", "sex=F"
    value = models.FloatField(null=True)  # null: not published or missing
    se = models.FloatField(null=True)
    n = models.PositiveIntegerField(null=True)  # persons behind the figure
    is_protected = models.BooleanField(default=False)
    # worked out by us for a larger area or through a crosswalk
    is_recalculated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "indicator", "area", "period", "group"],
                name="observation_is_one_per_version",
            )
        ]

    def __str__(self) -> str:
        return f"{self.indicator_id} {self.area_id} {self.period}: {self.value}"


class Typology(models.Model):
    """Our own grouping of areas by conditions: one run, with method and input kept."""

    geography = models.ForeignKey(Geography, models.PROTECT)
    municipality = models.CharField(max_length=4, blank=True)  # "": all of them
    title = models.CharField(max_length=200)
    computed_at = models.DateTimeField()
    method = models.JSONField()  # options, version, columns, input hash
    # Sizes, centres, profiles, stability per group, silhouette, the verdict whether
    # the areas form groups at all, with its sentence in both languages.
    result = models.JSONField()

    def __str__(self) -> str:
        return self.title


class TypologyMember(models.Model):
    """The group of one area in one run, and how surely it belongs there."""

    typology = models.ForeignKey(Typology, models.CASCADE, related_name="members")
    area = models.ForeignKey(Area, models.PROTECT)
    label = models.PositiveSmallIntegerField()
    silhouette = models.FloatField()
    warning = models.CharField(
        max_length=40, blank=True
    )  # "student_area", "few_people"
    # The areas of the whole country that are most alike, the nearest first:
    # [key of the area, distance, [[indicator code, difference], …]]
    similar = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["typology", "area"], name="area_is_in_one_group"
            )
        ]

    def __str__(self) -> str:
        return f"{self.area_id}: {self.label}"
