"""Whatever is done to the audit rows afterwards is found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidSignature

from trygg.history import audit
from trygg.history.models import AuditRow, Chain

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(at):
    for number in range(20):
        audit.append(
            "access",
            act="read",
            data="situational_picture",
            about=f"picture:{number}",
            decision="allowed",
            at=at + timedelta(minutes=number),
            actor="anna",
        )
    return Chain.objects.get(name="access")


def found(chain, anchors=()):
    chain.refresh_from_db()
    return [(fault.seq, fault.what) for fault in audit.faults(chain, list(anchors))]


def test_an_untouched_chain_has_no_faults(chain):
    assert found(chain) == []
    assert chain.seq == 20


@pytest.mark.parametrize("field", [f for f in audit.FIELDS if f != "seq"])
def test_an_edited_row_is_found(chain, field):
    AuditRow.objects.filter(seq=7).update(**{field: "other"})
    assert (7, "the row was changed") in found(chain)


def test_a_deleted_row_is_found(chain):
    AuditRow.objects.filter(seq=7).delete()
    assert (7, "a row is missing") in found(chain)


def test_two_rows_that_changed_places_are_found(chain):
    AuditRow.objects.filter(seq=7).update(seq=99)
    AuditRow.objects.filter(seq=8).update(seq=7)
    AuditRow.objects.filter(seq=99).update(seq=8)
    assert found(chain) != []


def test_a_cut_tail_is_found(chain):
    AuditRow.objects.filter(seq__gt=15).delete()
    assert found(chain) == [(20, "the end of the chain is missing")]


def rewrite(chain, upto):
    """Do what the owner of the database could: change row 3, make all hashes anew."""
    prev = audit.START
    AuditRow.objects.filter(seq__gt=upto).delete()
    for row in AuditRow.objects.filter(chain=chain).order_by("seq"):
        row.actor = "nobody" if row.seq == 3 else row.actor
        row.prev = prev
        row.h = prev = audit.chained(row)
        row.save()
    Chain.objects.filter(pk=chain.pk).update(h=prev, seq=upto)


def test_a_chain_made_anew_is_found_by_its_anchor_and_only_by_it(chain, tmp_path, at):
    audit.write_anchors(tmp_path, at=at)
    rewrite(chain, upto=20)
    assert found(chain) == []
    assert found(chain, audit.read_anchors(tmp_path)) == [
        (20, "the row is not the one that was anchored")
    ]


def test_a_chain_made_anew_and_shorter_is_found_by_its_anchor(chain, tmp_path, at):
    audit.write_anchors(tmp_path, at=at)
    rewrite(chain, upto=10)
    assert found(chain, audit.read_anchors(tmp_path)) == [
        (20, "an anchored row is missing")
    ]


def test_a_forged_anchor_is_refused(chain, tmp_path, at):
    (anchor,) = audit.write_anchors(tmp_path, at=at)
    file = tmp_path / "anchors.jsonl"
    file.write_text(file.read_text().replace(anchor.h, "0" * 64))
    with pytest.raises(InvalidSignature):
        audit.read_anchors(tmp_path)


def test_the_key_that_signs_is_for_its_owner_only(tmp_path):
    audit.signing_key(tmp_path / "anchor.key")
    assert (tmp_path / "anchor.key").stat().st_mode & 0o777 == 0o600
