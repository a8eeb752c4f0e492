"""The questions asked of an agreement. Each answers allowed or refused, by clause; nothing to check means refused.

Each question is a list of checks, made one after another (``submitting`` and the like). ``may_submit`` answers with the first refusal
and looks no further; ``agreements.explain`` shows every one. There is no other copy of the logic.

``standing`` is None where the caller is not a party, or there is no such agreement: the answer is the same, so that existence
does not leak. Times are aware; a calendar day is a day in Europe/London.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from agreements.checkers import asked
from agreements.decisions import Allowed, Decision, Refused, first_refusal
from agreements.difference import narrower
from agreements.lifecycle import State
from agreements.model import Agreement, Dataset, Standing
from agreements.periods import Period, day_in_words
from agreements.sending import in_mode, supplies

LONDON = ZoneInfo("Europe/London")
GRACE = timedelta(hours=24)
HUB = "hub"
"""Who asks for an edition that comes by itself; no key has such a fingerprint."""
UNKNOWN = Refused(
    "no agreement",
    "there is no agreement of that reference to which you are a party.",
    "Check the reference; if it is right, ask the operator whether your organisation has signed it.",
)


@dataclass(frozen=True)
class Check:
    """One check of a question: what is asked, and the answer."""

    asks: str
    decision: Decision


def decided(checks: Iterable[Check], clause: str = "") -> Decision:
    """The first refusal; else the last answer, or allowed by ``clause`` where one is given. Checks after a refusal are not made."""
    last: Decision = first_refusal()
    for check in checks:
        last = check.decision
        if isinstance(last, Refused):
            return last
    return Allowed(clause) if clause and last else last


def today(now: datetime) -> date:
    """The calendar day in London."""
    return now.astimezone(LONDON).date()


def known_to(standing: Standing | None, party: str) -> Decision:
    """Whether this party may know of the agreement at all."""
    if standing is None or standing.agreement.party(party) is None:
        return UNKNOWN
    return Allowed(standing.agreement.clause("parties", party))


def named_client(standing: Standing | None, caller: str, key: str) -> Decision:
    """Whether this key is the client key that the agreement names for the caller, party or recipient: registration alone is not enough."""
    if standing is None:
        return UNKNOWN
    agreement = standing.agreement
    party = agreement.party(caller)
    named = {one.client for one in agreement.recipients if one.id == caller} | ({party.keys.client} if party and party.keys else set())
    clause = agreement.clause("parties" if party else "recipients", caller)
    if key in named:
        return Allowed(clause)
    remedy = "Ask for a token with the key that is named, or agree a new version that names this one."
    return Refused(clause, "the client key you came with is not the one that the agreement names for you.", remedy)


def in_force(standing: Standing | None, now: datetime, dataset: str = "") -> Decision:
    """Whether anything may move under it (or under this dataset of it) at this moment."""
    return UNKNOWN if standing is None else decided(standing_in_force(standing, now, dataset))


def standing_in_force(standing: Standing, now: datetime, dataset: str = "") -> Iterator[Check]:
    """Its term, its state, and whether it or the dataset is suspended."""
    agreement = standing.agreement
    term = agreement.clause("term")
    # A version that was replaced does not outlive the one that replaced it.
    expires = min(one.expires for one in (agreement, standing.successor) if one is not None)
    over = Refused(term, f"the agreement expired on {day_in_words(expires)}.", "Sign a new version to go on sharing.")
    yield Check("Has the agreement not expired?", over if today(now) >= expires else Allowed(term))
    early = Refused(term, f"the agreement is not in force before {day_in_words(agreement.in_force_from)}.", "Wait until that day.")
    yield Check("Has the day come from which it is in force?", early if today(now) < agreement.in_force_from else Allowed(term))
    yield Check("Has everyone signed it, and has nobody ended it?", _alive(term, standing.state))
    yield Check(f"Is {f'the dataset {dataset}' if dataset else 'it'} free of suspension?", moving(standing, dataset))


def _alive(clause: str, state: str) -> Decision:
    match state:
        case State.IN_FORCE | State.SUSPENDED:
            return Allowed(clause)
        case State.EXPIRED | State.TERMINATED | State.WITHDRAWN:
            return Refused(clause, f"the agreement is {state}.", "Sign a new version to go on sharing.")
        case _:
            remedy = "Every party's DPO must advise and every party's signatory must sign."
            return Refused(clause, f"the agreement is {state}, not in force.", remedy)


def moving(standing: Standing, dataset: str) -> Decision:
    """Whether it, and this dataset of it where one is named, is free of suspension."""
    suspended = standing.state == State.SUSPENDED
    if suspended or dataset in standing.suspended:
        what = "the agreement" if suspended else f"the dataset {dataset}"
        clause = standing.agreement.clause("suspension")
        return Refused(clause, f"{what} is suspended.", "It moves again when every party that suspended it has resumed.")
    return Allowed(standing.agreement.clause("term"))


def may_submit(standing: Standing | None, supplier: str, dataset_name: str, period_name: Period, mode: str, now: datetime) -> Decision:
    """Whether this supplier may submit this dataset for this period in this mode, now. Asked at the manifest, and again at complete."""
    return decided(submitting(standing, supplier, dataset_name, period_name, mode, now))


def submitting(standing: Standing | None, supplier: str, dataset_name: str, period: Period, mode: str, now: datetime) -> Iterator[Check]:
    """The checks of :func:`may_submit`."""
    known = known_to(standing, supplier)
    yield Check("Is the caller a party?", known)
    if standing is None or not known:
        return
    words = scope(standing.agreement, supplier, dataset_name, period, mode, now)
    yield next(words)  # whether the dataset is named at all
    yield Check("Is this version still the one to submit under?", _version_current(standing, dataset_name, now))
    yield from standing_in_force(standing, now, dataset_name)
    yield from words


def scope(agreement: Agreement, supplier: str, dataset_name: str, period: Period, mode: str, now: datetime) -> Iterator[Check]:
    """What :func:`may_submit` asks of the words alone, wherever the agreement stands: a rehearsal asks it of a version not yet in force."""
    dataset = agreement.dataset(dataset_name)
    yield _named_dataset(agreement, dataset)
    if dataset is None:
        return
    yield Check("Is the party a supplier of this dataset?", supplies(agreement, dataset, supplier))
    yield Check("Is this the dataset's mode?", in_mode(agreement, dataset, mode))
    yield Check("Does the agreement admit this period?", _period(agreement, dataset, period, now))
    yield Check("May the period's data still be held?", not_overdue(agreement, dataset, period, now))


def _named_dataset(agreement: Agreement, dataset: Dataset | None) -> Check:
    clause = agreement.clause("datasets")
    named = ", ".join(found.name for found in agreement.datasets)
    absent = Refused(clause, "the agreement names no such dataset.", f"It names: {named}.")
    return Check("Does the agreement name this dataset?", absent if dataset is None else Allowed(clause))


def may_hold(standing: Standing | None, dataset_name: str, period_name: Period, now: datetime) -> Decision:
    """Whether an accepted submission may be opened and held at this moment."""
    return UNKNOWN if standing is None else decided(holding(standing, dataset_name, period_name, now))


def holding(standing: Standing, dataset_name: str, period: Period, now: datetime) -> Iterator[Check]:
    """The checks of :func:`may_hold`."""
    dataset = standing.agreement.dataset(dataset_name)
    yield _named_dataset(standing.agreement, dataset)
    yield from standing_in_force(standing, now, dataset_name)
    if dataset is not None:
        yield Check("May the period's data still be held?", not_overdue(standing.agreement, dataset, period, now))


def dispose_on(dataset: Dataset, period: Period) -> date:
    """The day a period's data are destroyed: its end plus the retention."""
    return dataset.retention.after(period.end)


def not_overdue(agreement: Agreement, dataset: Dataset, period: Period, now: datetime) -> Decision:
    """Whether the period's data may still be held."""
    clause = agreement.clause(f"dataset {dataset.name}", "retention")
    due = dispose_on(dataset, period)
    if today(now) >= due:
        reason = (
            f"data of {period} were due for destruction on {day_in_words(due)} ({dataset.retention.in_words()} after the period's end)."
        )
        return Refused(clause, reason, "They must not be sent: destroy the extract, or agree a longer retention in a new version.")
    return Allowed(clause)


def may_tabulate(standing: Standing | None, release_name: str, now: datetime) -> Decision:
    """Whether this release may be linked and tabulated now: agreement and every dataset it reads in force."""
    return UNKNOWN if standing is None else decided(tabulating(standing, release_name, now))


def tabulating(standing: Standing, release_name: str, now: datetime) -> Iterator[Check]:
    """The checks of :func:`may_tabulate`. What a replaced version has published may still be received, but nothing new is made under it."""
    clause = standing.agreement.clause("versions")
    replaced = Refused(clause, "a newer version has replaced this one: it makes no new editions.", "Ask under the version in force.")
    yield Check("Is this the version in force?", Allowed(clause) if standing.replaced_at is None else replaced)
    yield from _reading(standing, release_name, now)


def _reading(standing: Standing, release_name: str, now: datetime) -> Iterator[Check]:
    release = standing.agreement.release(release_name)
    clause = standing.agreement.clause("releases")
    named = ", ".join(found.name for found in standing.agreement.releases)
    absent = Refused(clause, "the agreement names no such release.", f"It names: {named}.")
    yield Check("Does the agreement name this release?", absent if release is None else Allowed(clause))
    for dataset in release.datasets if release else ("",):
        yield from standing_in_force(standing, now, dataset)


def may_request(standing: Standing | None, release_name: str, key: str, now: datetime) -> Decision:
    """Whether the person or recipient who speaks with this key may ask for an edition."""
    if standing is None:
        return UNKNOWN
    return decided(requesting(standing, release_name, key, now), standing.agreement.clause(f"release {release_name}", "requests"))


def requesting(standing: Standing, release_name: str, key: str, now: datetime) -> Iterator[Check]:
    """The checks of :func:`may_request`."""
    agreement = standing.agreement
    release = agreement.release(release_name)
    people = {person.key for party in agreement.parties for person in party.people}
    recipients = {one.client for one in agreement.recipients if release is not None and one.id in release.recipients}
    by_itself = {HUB} if release is not None and release.cadence is not None else set()
    clause = agreement.clause(f"release {release_name}", "requests")
    stranger = Refused(clause, "this key belongs to nobody the agreement names.", "A recipient of the release or a named person asks.")
    yield Check("Does the agreement name whoever asks?", Allowed(clause) if key in people | recipients | by_itself else stranger)
    yield from tabulating(standing, release_name, now)


def may_check(
    standing: Standing | None, release_name: str, key: str, requester: str, now: datetime, suppliers: Collection[str] | None = None
) -> Decision:
    """Whether the person who speaks with this key may check an edition that ``requester`` (a key) asked for.

    ``suppliers``: the parties that supplied what it was made from; None where that is not told yet.
    """
    if standing is None:
        return UNKNOWN
    clause = standing.agreement.clause("approvals", "output checkers")
    return decided(checking(standing, release_name, key, requester, now, suppliers), clause)


def checking(
    standing: Standing, release_name: str, key: str, requester: str, now: datetime, suppliers: Collection[str] | None = None
) -> Iterator[Check]:
    """The checks of :func:`may_check`."""
    yield from (Check(asks, answer) for asks, answer in asked(standing.agreement, key, requester, suppliers))
    yield from tabulating(standing, release_name, now)


def may_receive(standing: Standing | None, release_name: str, client: str, now: datetime) -> Decision:
    """Whether a recipient, known by its client id, may download what this release published: nothing that it reads is stopped."""
    if standing is None:
        return UNKNOWN
    return decided(receiving(standing, release_name, client, now), standing.agreement.clause(f"release {release_name}", "recipients"))


def receiving(standing: Standing, release_name: str, client: str, now: datetime) -> Iterator[Check]:
    """The checks of :func:`may_receive`."""
    release = standing.agreement.release(release_name)
    named = release is not None and client in release.recipients
    clause = standing.agreement.clause(f"release {release_name}", "recipients")
    yield Check("Does the release name this recipient?", Allowed(clause) if named else UNKNOWN)
    if named:
        yield from _reading(standing, release_name, now)


def _version_current(standing: Standing, dataset: str, now: datetime) -> Decision:
    """Whether this version may still be submitted under: for a day after it was replaced, unless that was to let less through."""
    clause = standing.agreement.clause("versions")
    again = "Fetch the version in force, verify it, and push again."
    if standing.replaced_at is not None and now >= standing.replaced_at + GRACE:
        return Refused(clause, "a newer version has replaced this one.", again)
    if (newer := standing.successor) is not None and narrower(standing.agreement, newer, dataset):
        which = f"version {newer.version}, a newer version now in force,"
        return Refused(clause, f"{which} admits less of the dataset {dataset} than this one: no time of grace.", again)
    return Allowed(clause)


def _period(agreement: Agreement, dataset: Dataset, period: Period, now: datetime) -> Decision:
    clause = agreement.clause(f"dataset {dataset.name}", "period")
    if period.kind is not dataset.period:
        return Refused(clause, f"this dataset's period is a {dataset.period}.", f"Name a {dataset.period}.")
    if period.start > today(now):
        return Refused(clause, f"{period} has not begun.", "Send it when it has.")
    earliest = Period.parse(agreement.back_fill_from)
    if period.start < earliest.start:
        return Refused(clause, f"the agreement admits no data from before {earliest}.", f"Send {earliest} and later.")
    return Allowed(clause)
