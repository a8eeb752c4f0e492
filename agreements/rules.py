"""The questions asked of an agreement. Each answers allowed or refused, by clause; nothing to check means refused.

``standing`` is None where the caller is not a party, or there is no such agreement: the answer is the same, so that existence
does not leak. Times are aware; a calendar day is a day in Europe/London.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from agreements.decisions import Allowed, Decision, Refused, first_refusal
from agreements.lifecycle import State
from agreements.model import Agreement, Dataset, Standing
from agreements.periods import Period

LONDON = ZoneInfo("Europe/London")
GRACE = timedelta(hours=24)
UNKNOWN = Refused(
    "no agreement",
    "there is no agreement of that reference to which you are a party.",
    "Check the reference; if it is right, ask the operator whether your organisation has signed it.",
)


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
    if standing is None:
        return UNKNOWN
    agreement = standing.agreement
    clause = agreement.clause("term")
    if today(now) >= agreement.expires:
        return Refused(clause, f"the agreement expired on {_day(agreement.expires)}.", "Sign a new version to go on sharing.")
    if today(now) < agreement.in_force_from:
        return Refused(clause, f"the agreement is not in force before {_day(agreement.in_force_from)}.", "Wait until that day.")
    match standing.state:
        case State.IN_FORCE if dataset not in standing.suspended:
            return Allowed(clause)
        case State.IN_FORCE | State.SUSPENDED:
            what = f"the dataset {dataset}" if standing.state == State.IN_FORCE else "the agreement"
            clause = agreement.clause("suspension")
            return Refused(clause, f"{what} is suspended.", "It moves again when every party that suspended it has resumed.")
        case State.EXPIRED | State.TERMINATED:
            return Refused(clause, f"the agreement is {standing.state}.", "Sign a new version to go on sharing.")
        case _:
            remedy = "Every party's DPO must advise and every party's signatory must sign."
            return Refused(clause, f"the agreement is {standing.state}, not in force.", remedy)


def may_submit(standing: Standing | None, supplier: str, dataset_name: str, period_name: Period, mode: str, now: datetime) -> Decision:
    """Whether this supplier may submit this dataset for this period in this mode, now. Asked at the manifest, and again at complete."""
    if standing is None or not known_to(standing, supplier):
        return UNKNOWN
    agreement = standing.agreement
    dataset = agreement.dataset(dataset_name)
    if dataset is None:
        named = ", ".join(found.name for found in agreement.datasets)
        return Refused(agreement.clause("datasets"), "the agreement names no such dataset.", f"It names: {named}.")
    return first_refusal(
        _version_current(standing, now),
        in_force(standing, now, dataset_name),
        _supplies(agreement, dataset, supplier),
        _mode(agreement, dataset, mode),
        _period(agreement, dataset, period_name, now),
        not_overdue(agreement, dataset, period_name, now),
    )


def may_hold(standing: Standing | None, dataset_name: str, period_name: Period, now: datetime) -> Decision:
    """Whether an accepted submission may be opened and held at this moment."""
    if standing is None:
        return UNKNOWN
    dataset = standing.agreement.dataset(dataset_name)
    if dataset is None:
        return Refused(standing.agreement.clause("datasets"), "the agreement names no such dataset.")
    return first_refusal(in_force(standing, now, dataset_name), not_overdue(standing.agreement, dataset, period_name, now))


def dispose_on(dataset: Dataset, period: Period) -> date:
    """The day a period's data are destroyed: its end plus the retention."""
    return dataset.retention.after(period.end)


def not_overdue(agreement: Agreement, dataset: Dataset, period: Period, now: datetime) -> Decision:
    """Whether the period's data may still be held."""
    clause = agreement.clause(f"dataset {dataset.name}", "retention")
    due = dispose_on(dataset, period)
    if today(now) >= due:
        reason = f"data of {period} were due for destruction on {_day(due)} ({dataset.retention.in_words()} after the period's end)."
        return Refused(clause, reason, "They must not be sent: destroy the extract, or agree a longer retention in a new version.")
    return Allowed(clause)


def may_tabulate(standing: Standing | None, release_name: str, now: datetime) -> Decision:
    """Whether this release may be linked and tabulated now: agreement and every dataset it reads in force."""
    if standing is None:
        return UNKNOWN
    release = standing.agreement.release(release_name)
    if release is None:
        named = ", ".join(found.name for found in standing.agreement.releases)
        return Refused(standing.agreement.clause("releases"), "the agreement names no such release.", f"It names: {named}.")
    return first_refusal(*(in_force(standing, now, dataset) for dataset in release.datasets))


def may_request(standing: Standing | None, release_name: str, key: str, now: datetime) -> Decision:
    """Whether the person or recipient who speaks with this key may ask for an edition."""
    if standing is None:
        return UNKNOWN
    agreement = standing.agreement
    release = agreement.release(release_name)
    people = {person.key for party in agreement.parties for person in (party.dpo, party.signatory, *party.checkers)}
    recipients = {one.client for one in agreement.recipients if release is not None and one.id in release.recipients}
    clause = agreement.clause(f"release {release_name}", "requests")
    if key not in people | recipients:
        return Refused(clause, "this key belongs to nobody the agreement names.", "A recipient of the release or a named person asks.")
    return first_refusal(may_tabulate(standing, release_name, now), Allowed(clause))


def may_check(standing: Standing | None, release_name: str, key: str, requester: str, now: datetime) -> Decision:
    """Whether the person who speaks with this key may check an edition that ``requester`` (a key) asked for."""
    if standing is None:
        return UNKNOWN
    agreement = standing.agreement
    clause = agreement.clause("approvals", "output checkers")
    if not any(key == person.key for party in agreement.parties for person in party.checkers):
        return Refused(clause, "this key belongs to no output checker of the agreement.", "A checker named there must check.")
    if key == requester:
        return Refused(clause, "whoever asked for an edition cannot check it.", "Another checker must check it.")
    return first_refusal(may_tabulate(standing, release_name, now), Allowed(clause))


def may_receive(standing: Standing | None, release_name: str, client: str, now: datetime) -> Decision:
    """Whether a recipient, known by its client id, may download what this release published."""
    if standing is None:
        return UNKNOWN
    release = standing.agreement.release(release_name)
    if release is None or client not in release.recipients:
        return UNKNOWN
    clause = standing.agreement.clause(f"release {release.name}", "recipients")
    return first_refusal(in_force(standing, now), Allowed(clause))


def _version_current(standing: Standing, now: datetime) -> Decision:
    clause = standing.agreement.clause("versions")
    if standing.replaced_at is not None and now >= standing.replaced_at + GRACE:
        return Refused(clause, "a newer version has replaced this one.", "Fetch the version in force, verify it, and push again.")
    return Allowed(clause)


def _supplies(agreement: Agreement, dataset: Dataset, supplier: str) -> Decision:
    clause = agreement.clause(f"dataset {dataset.name}", "suppliers")
    if supplier in dataset.suppliers:
        return Allowed(clause)
    return Refused(clause, "you are a party, but not a supplier of this dataset.", "Only its suppliers submit it.")


def _mode(agreement: Agreement, dataset: Dataset, mode: str) -> Decision:
    clause = agreement.clause(f"dataset {dataset.name}", "mode")
    if mode == dataset.mode:
        return Allowed(clause)
    return Refused(clause, f"this dataset is submitted in mode {dataset.mode}.", f"Submit it with mode {dataset.mode}.")


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


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
