"""
Proof of who looked at what and who changed rights: a hash chain with anchors outside.

`Event` rows tell users what happened to a thing. The audit chain is for those who
check the system: each row holds the hash of the one before, and every thousandth hash
is written to an anchor file outside the database, signed, so that not even the owner
of the database can rewrite the past unseen (a chain alone can be made anew).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from trygg.history.models import AuditRow, Chain

FIELDS = (
    "seq",
    "utc",
    "actor",
    "roles",
    "organisation",
    "act",
    "data",
    "about",
    "purpose",
    "decision",
)
START = "0" * 64


@dataclass(frozen=True)
class Anchor:
    """A signed note that a chain had this hash at this row."""

    chain: str
    seq: int
    h: str
    time: str
    signature: str


@dataclass(frozen=True)
class Fault:
    """Where a chain does not hold, in words."""

    chain: str
    seq: int
    what: str


def chained(row: AuditRow) -> str:
    """Return the hash of a row: SHA-256 over the previous hash and the row's values."""
    values = {name: getattr(row, name) for name in FIELDS}
    canonical = json.dumps(
        values, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(b"\0" + row.prev.encode() + canonical.encode()).hexdigest()


@transaction.atomic
def append(
    chain: str,
    *,
    act: str,
    data: str,
    about: str,
    decision: str,
    at: datetime,
    actor: str = "",
    roles: str = "",
    organisation: str = "",
    purpose: str = "",
) -> AuditRow:
    """
    Add one row at the end of a chain.

    The act itself must be refused when this raises: no trace, no access.
    """
    Chain.objects.get_or_create(name=chain, defaults={"seq": 0, "h": START})
    # Locked, or two rows at once would follow the same one.
    end = Chain.objects.select_for_update().get(name=chain)
    row = AuditRow(
        chain=end,
        seq=end.seq + 1,
        utc=at.isoformat(timespec="milliseconds"),
        actor=actor,
        roles=roles,
        organisation=organisation,
        act=act,
        data=data,
        about=about,
        purpose=purpose,
        decision=decision,
        prev=end.h,
    )
    row.h = chained(row)
    row.save(force_insert=True)
    end.seq, end.h = row.seq, row.h
    end.save()
    return row


def faults(chain: Chain, anchors: list[Anchor]) -> Iterator[Fault]:
    """Yield every place where the chain was edited, cut, swapped or made anew."""
    anchored = {anchor.seq: anchor.h for anchor in anchors if anchor.chain == chain.pk}
    prev, seq = START, 0
    for row in AuditRow.objects.filter(chain=chain).order_by("seq").iterator():
        seq += 1
        if row.seq != seq:
            yield Fault(chain.pk, seq, "a row is missing")
            seq = row.seq
        if row.prev != prev:
            yield Fault(chain.pk, seq, "the row does not follow the one before it")
        if row.h != chained(row):
            yield Fault(chain.pk, seq, "the row was changed")
        if anchored.get(seq, row.h) != row.h:
            yield Fault(chain.pk, seq, "the row is not the one that was anchored")
        prev = row.h
    if (seq, prev) != (chain.seq, chain.h):
        yield Fault(chain.pk, chain.seq, "the end of the chain is missing")
    if anchored and max(anchored) > seq:
        yield Fault(chain.pk, max(anchored), "an anchored row is missing")


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Read the key that signs anchors, and make it at first use (mode 600)."""
    if path.exists():
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text()))
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(
        serialization.Encoding.Raw,
        serialization.PrivateFormat.Raw,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(raw.hex())
    return key


def _message(chain: str, seq: int, h: str, time: str) -> bytes:
    return f"{chain}\n{seq}\n{h}\n{time}".encode()


def write_anchors(folder: Path, *, at: datetime) -> list[Anchor]:
    """Append the present end of every chain to the anchor file, signed."""
    key = signing_key(folder / "anchor.key")
    time = at.isoformat(timespec="seconds")
    anchors = []
    for chain in Chain.objects.exclude(seq=0).order_by("name"):
        signature = key.sign(_message(chain.pk, chain.seq, chain.h, time)).hex()
        anchors.append(Anchor(chain.pk, chain.seq, chain.h, time, signature))
    with (folder / "anchors.jsonl").open("a", encoding="utf-8") as file:
        for anchor in anchors:
            file.write(json.dumps(vars(anchor)) + "\n")
    return anchors


def read_anchors(folder: Path) -> list[Anchor]:
    """
    Read the anchor file.

    Raises
    ------
    InvalidSignature
        An anchor was not signed by the key beside it.
    """
    path = folder / "anchors.jsonl"
    if not path.exists():
        return []
    public = signing_key(folder / "anchor.key").public_key()
    anchors = [
        Anchor(**json.loads(line))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    for a in anchors:
        public.verify(bytes.fromhex(a.signature), _message(a.chain, a.seq, a.h, a.time))
    return anchors


__all__ = ["Anchor", "Fault", "InvalidSignature", "append", "faults", "read_anchors"]
