"""How the pages say things: days and times as people in the United Kingdom write them, roles and states in words."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agreements.periods import day_in_words
from exchange.people.people import Post
from exchange.web.clauses import clause_link

LONDON = ZoneInfo("Europe/London")
PLACES = (
    ("Performance", "/framework"),
    ("Agreements", "/agreements"),
    ("Releases", "/releases"),
    ("Organisations", "/organisations"),
    ("People", "/people"),
)
SCORECARD = ("Scorecard", "/scorecard")  # for those alone who may open it
CHECKS = ("Output checks", "/checks")  # for those who check or answer for what is published
CONDITION = ("Condition", "/condition")  # for the operator's people
REQUESTS = ("Requests", "/requests")  # where the hub keeps any
LOG = ("Log", "/log")  # for those alone who may read it

ROLES: Mapping[Post, str] = {
    Post.DPO: "Data protection officer",
    Post.SIGNATORY: "Signatory",
    Post.CHECKER: "Output checker",
    Post.ANALYST: "Analyst",
    Post.OPERATOR: "Operator of the hub",
}
MAY: Mapping[Post, str] = {
    Post.DPO: "read agreements of your organisation, advise on them, and suspend them",
    Post.SIGNATORY: "sign agreements for your organisation, and suspend, resume or end them",
    Post.CHECKER: "check what is about to be published",
    Post.ANALYST: "read what has been published",
    Post.OPERATOR: "invite people, and end their access",
}
# Never colour alone: the words carry the meaning.
STATE_COLOURS: Mapping[str, str] = {
    "proposed": "blue",
    "signed": "turquoise",
    "in-force": "green",
    "suspended": "red",
    "expired": "grey",
    "terminated": "grey",
}


def day(moment: date | datetime) -> str:
    """``20 November 2026``; a time is of that day in London."""
    return day_in_words(moment.astimezone(LONDON) if isinstance(moment, datetime) else moment)


def at(moment: datetime) -> str:
    """``20 November 2026 at 2:05pm``, UK time."""
    found = moment.astimezone(LONDON)
    hour = found.hour % 12 or 12
    return f"{day(found)} at {hour}:{found:%M}{'am' if found.hour < 12 else 'pm'}"


def role(post: str) -> str:
    """A role in words."""
    return ROLES[Post(post)]


def may(post: str) -> str:
    """What a role may do, in words that follow “you may”."""
    return MAY[Post(post)]


def state(name: str) -> str:
    """An agreement's state in words: ``In force``."""
    return name.replace("-", " ").capitalize()


def colour(name: str) -> str:
    """The class of a state's tag."""
    return f"govuk-tag--{STATE_COLOURS.get(name, 'grey')}"


FILTERS: Mapping[str, Callable[..., str]] = {
    "day": day,
    "at": at,
    "role": role,
    "may": may,
    "state": state,
    "colour": colour,
    "clause_link": clause_link,
}
