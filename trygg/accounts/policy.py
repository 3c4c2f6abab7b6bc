"""
The one access table: who may do what with which class of data.

Pure Python: no query, no clock. Each app's access.py asks it; what "own" means for its
rows is said there. The table spelled out, as the data-protection officer has read it,
is docs/policy.txt.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from trygg.accounts.models import User

View = Callable[..., HttpResponse]


class Role(Enum):
    ANYONE = "AN"
    RESPONDENT = "RE"  # holds a one-time code, no account
    REPORTER = "RR"  # holds a receipt code, no account
    EDITOR = "ED"
    CRISIS_APPROVER = "CA"
    ANALYST = "AL"
    COORDINATOR = "SC"
    POLICE = "PO"
    PARTNER = "PA"
    COUNCIL_MEMBER = "CM"
    INVESTIGATOR = "HR"
    YOUTH_COORDINATOR = "SSK"
    YOUTH_PARTICIPANT = "SSP"
    ADMINISTRATOR = "AD"
    DATA_PROTECTION_OFFICER = "DPO"
    API_CLIENT = "API"


# Roles that open sealed or sensitive data: the second approver holds another role.
SENSITIVE = {
    Role.CRISIS_APPROVER,
    Role.INVESTIGATOR,
    Role.YOUTH_COORDINATOR,
    Role.YOUTH_PARTICIPANT,
    Role.DATA_PROTECTION_OFFICER,
}
# An administrator holds none of these (SoD1): who runs the system reads no cases.
NOT_WITH_ADMINISTRATOR = SENSITIVE


class Data(Enum):
    PUBLISHED_PAGE = "published_page"
    PAGE_DRAFT = "page_draft"
    CRISIS_MESSAGE = "crisis_message"
    SURVEY_DEFINITION = "survey_definition"
    INVITATION_LIST = "invitation_list"
    RAW_ANSWER = "raw_answer"
    RELEASED_STATISTICS = "released_statistics"
    PUBLISHED_CONTRIBUTION = "published_contribution"
    UNMODERATED_CONTRIBUTION = "unmoderated_contribution"
    PUBLISHED_CRIME = "published_crime"
    DETAILED_CRIME = "detailed_crime"
    SITUATIONAL_PICTURE = "situational_picture"
    PICTURE_SUMMARY = "picture_summary"
    PLEDGE_DRAFT = "pledge_draft"
    PLEDGE_SIGNED = "pledge_signed"
    MEASURE = "measure"
    REPORT_CONTENT = "report_content"
    REPORTER_IDENTITY = "reporter_identity"
    REPORT_METADATA = "report_metadata"
    REPORT_STATISTICS = "report_statistics"
    YOUTH_CONTENT = "youth_content"
    CONSENT_AND_BASIS = "consent_and_basis"
    YOUTH_METADATA = "youth_metadata"
    YOUTH_STATISTICS = "youth_statistics"
    ACCOUNT = "account"
    AUDIT_LOG = "audit_log"
    SECRET_OR_BACKUP = "secret_or_backup"
    CRISIS_SUBSCRIBER = "crisis_subscriber"
    API_KEY = "api_key"


class Act(Enum):
    READ = "R"
    CREATE = "C"
    UPDATE = "U"
    APPROVE = "A"
    SEE_THAT_IT_EXISTS = "M"
    EXPORT = "X"
    DELETE = "D"


class Reach(IntEnum):
    NOTHING = 0
    OWN = 1
    ALL = 2


class NeedsStepUp(Exception):
    """A role would reach further if the user had just signed in again."""


class NeedsPurpose(Exception):
    """A role would reach further if the user had said what for."""


@dataclass(frozen=True)
class Grant:
    own: bool
    step_up: bool
    two_persons: bool
    purpose: bool


# A cell is a list of groups. A group is acts and the conditions that bind all of them:
# * only one's own   ! just signed in again   2 two persons   p purpose stated
TABLE = """
                              AN  RE RR  ED  CA    AL    SC       PO       PA  CM HR    SSK    SSP   AD    DPO API
D1   published_page           R   R  R   R   R     R     R        R        R   R  R     R      R     R     R   R
D2   page_draft               -   -  -   CRU R     -     RU*      -        -   -  -     -      -     -     -   -
D3   crisis_message           -   -  -   CRU R,A!2 -     CRU      -        -   -  -     -      -     M     -   -
D4   survey_definition        -   -  -   RU  -     CRU   R,A!     R        -   R  -     -      -     -     R   -
D5   invitation_list          -   -  -   -   -     -     C!2      -        -   -  -     -      -     -     -   -
D6   raw_answer               -   C* -   -   -     R*!p  -        -        -   -  -     -      -     -     -   -
D7   released_statistics      R   R  R   R   R     RX    RX       RX       R   R  R     R      R     R     R   R
D8   published_contribution   R   R  R   R   R     R     R        R        R   R  R     R      R     R     R   R
D9   unmoderated_contribution -   C* -   RU  -     -     RU       -        -   -  -     -      -     -     -   -
D10  published_crime          R   R  R   R   R     RX    RX       RX       R   R  R     R      R     R     R   R
D11  detailed_crime           -   -  -   -   -     CRU!p R!p      CRU!p    -   -  -     -      -     -     -   -
D12  situational_picture      -   -  -   -   -     CRU!  CRUA!    CRUA!    -   R* -     -      -     -     -   -
D13  picture_summary          R   R  R   RU  R     RU    RU,A!    RU,A!    R   R  R     R      R     R     R   R
D14  pledge_draft             -   -  -   R   -     R     CRU,A*!2 CRU,A*!2 C*  R  -     -      -     -     -   -
D15  pledge_signed            R   R  R   R   R     R     R        R        R   R  R     R      R     R     R   R
D16  measure                  -   -  -   R   -     R     CRU      RU*      RU* R  -     -      -     -     -   -
D17  report_content           -   -  CR* -   -     -     -        -        -   -  RU*!p -      -     -     -   -
D17b reporter_identity        -   -  C*  -   -     -     -        -        -   -  R*!2p -      -     -     -   -
D18  report_metadata          -   -  R*  -   -     -     -        -        -   -  RU*   -      -     M     M   -
D19  report_statistics        R   R  R   R   R     R     R        R        R   R  CR    R      R     R     R   R
D20  youth_content            -   -  -   -   -     -     -        -        -   -  -     CRU*!p RU*!p -     -   -
D21  consent_and_basis        -   -  -   -   -     -     -        -        -   -  -     CRU*   R*    -     R!p -
D22  youth_metadata           -   -  -   -   -     -     -        -        -   -  -     RU*    R*    M     M   -
D23  youth_statistics         -   -  -   -   -     R     R        R        -   R  -     CR     -     -     R   -
D24  account                  -   -  -   -   -     -     -        -        -   -  -     U*     -     CRU!2 R   -
D25  audit_log                -   -  -   -   -     -     -        -        -   -  M*    M*     -     M     R!p -
D26  secret_or_backup         -   -  -   -   -     -     -        -        -   -  -     -      -     M!2   -   -
D27  crisis_subscriber        CD* -  -   -   M     -     -        -        -   -  -     -      -     -     R!p -
D28  api_key                  -   -  -   -   -     -     -        -        -   -  -     -      -     CRU!  R   R*
"""


def read_table(table: str) -> dict[tuple[Role, Data, Act], Grant]:
    """Return the grants that a table spells out. What it does not name is refused."""
    head, *rows = table.strip().splitlines()
    roles = [Role(code) for code in head.split()]
    grants: dict[tuple[Role, Data, Act], Grant] = {}
    for row in rows:
        _, name, *cells = row.split()
        for role, cell in zip(roles, cells, strict=True):
            for group in cell.replace("-", "").split(","):
                acts, marks = group.rstrip("*!2p"), group.lstrip("RCUAMXD")
                grant = Grant("*" in marks, "!" in marks, "2" in marks, "p" in marks)
                grants |= {(role, Data(name), Act(act)): grant for act in acts}
    return grants


GRANTS = read_table(TABLE)


def reach(
    user: User | AnonymousUser,
    act: Act,
    data: Data,
    *,
    purpose: str | None = None,
    as_if_ready: bool = False,
) -> Reach:
    """
    Return how far the user's roles reach: nothing, own things only, or everything.

    `as_if_ready` leaves the conditions aside, to decide whether to show a button.

    Raises
    ------
    NeedsStepUp, NeedsPurpose
        A role would reach further if this were done first.
    """
    roles = {Role.ANYONE, *getattr(user, "roles", ())}
    grants = [g for role in roles if (g := GRANTS.get((role, data, act)))]
    if not as_if_ready:
        fresh = getattr(user, "stepped_up", False)  # set by accounts.middleware
        ready = [g for g in grants if fresh or not g.step_up]
        if grants and not ready:
            raise NeedsStepUp(f"{act.name} {data.name}")
        grants = [g for g in ready if purpose or not g.purpose]
        if ready and not grants:
            raise NeedsPurpose(f"{act.name} {data.name}")
    reaches = (Reach.OWN if g.own else Reach.ALL for g in grants)
    return max(reaches, default=Reach.NOTHING)


def concerns(data: Data, act: Act) -> Callable[[View], View]:
    """Say what a view touches. It opens without sign-in only if anyone may do that."""

    def mark(view: View) -> View:
        marks: dict[str, Any] = vars(view)
        marks["concerns"] = data, act
        marks["login_required"] = (Role.ANYONE, data, act) not in GRANTS
        return view

    return mark


OWN_ACCOUNT = "own account"


def own_account(view: View) -> View:
    """Say that a view touches nothing but the account of whoever is signed in."""
    marks: dict[str, Any] = vars(view)
    marks["concerns"] = OWN_ACCOUNT
    marks["login_required"] = True
    return view


def spelled_out() -> list[str]:
    """
    Return the whole table in words, one line per role and class.

    Every act is asked for under every condition, so that the lines say what is
    answered and not what is written.
    """
    return [_in_words(role, data) for role, data in itertools.product(Role, Data)]


def ask(role: Role, act: Act, data: Data, marks: str) -> Reach:
    """Return what one role reaches under conditions: "!" fresh, "p" with a purpose."""
    user: Any = SimpleNamespace(roles={role}, stepped_up="!" in marks)
    try:
        return reach(user, act, data, purpose="x" if "p" in marks else None)
    except (NeedsStepUp, NeedsPurpose):
        return Reach.NOTHING


def _in_words(role: Role, data: Data) -> str:
    parts = []
    for act in Act:
        met = [m for m in ("", "!", "p", "!p") if ask(role, act, data, m)]
        if met:
            grant = GRANTS.get((role, data, act)) or GRANTS[Role.ANYONE, data, act]
            two = "2" if grant.two_persons else ""
            words = f"{act.name} {ask(role, act, data, '!p').name} {met[0]}{two}"
            parts.append(words.strip())
    return f"{role.name} {data.value}: {', '.join(parts) or 'nothing'}"
