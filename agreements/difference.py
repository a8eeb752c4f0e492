"""What changes from one version of an agreement to another: by what it means, the riskiest first, one plain sentence a change.

Nothing is compared as text where the software executes it: a field's rule is widened or narrowed (``agreements.compare_rules``), a
retention grows or falls, a recipient is new. What cannot be put in order is “changed”, to be read; texts are told last.
"""

from collections.abc import Iterator
from datetime import date

from agreements.changes import Change, Risk, members, order, reworded
from agreements.difference_datasets import dataset_changes, datasets
from agreements.difference_linkages import linkages
from agreements.difference_parties import parties
from agreements.difference_releases import releases
from agreements.items import ITEMS, Said
from agreements.model import AfterEnd, Agreement, Crossing
from agreements.periods import Period

__all__ = ["Change", "Risk", "difference", "narrower"]


def difference(old: Agreement, new: Agreement) -> tuple[Change, ...]:
    """Every change from ``old`` to ``new``, ordered by risk, then by place in the agreement. Empty only where the digests are equal."""
    if old.digest == new.digest:
        return ()
    found = (*_head(old, new), *parties(old, new), *_recipients(old, new), *datasets(old, new), *releases(old, new))
    found = (*found, *_checkers(old, new), *_crossings(old, new), *_permissions(old, new), *linkages(old, new), *_items(old, new))
    if not found:
        return (Change(Risk.WORDS, "document", "The document is written differently, to the same effect.", old.digest, new.digest),)
    return tuple(sorted(dict.fromkeys(found), key=lambda change: change.risk))


def narrower(old: Agreement, new: Agreement, dataset: str) -> bool:
    """Whether ``new`` admits less of that dataset than ``old`` in any respect; what cannot be put in order counts as less."""
    before, after = old.dataset(dataset), new.dataset(dataset)
    if before is None:
        return False
    if after is None or Period.parse(new.back_fill_from).start > Period.parse(old.back_fill_from).start:
        return True
    if any(_less(change) for change in dataset_changes(before, after)):
        return True
    return any(_withdrawn(old, new, dataset, supplier) for supplier in before.suppliers) or bool(
        _passes(old, dataset) - _passes(new, dataset)
    )


def _less(change: Change) -> bool:
    # The day on which data are due, and how a row is described, keep no submission out.
    unasked = change.clause.endswith((", due day", ", about"))
    return change.risk is Risk.NARROWER or (change.risk is Risk.CHANGED and not unasked)


def _withdrawn(old: Agreement, new: Agreement, dataset: str, supplier: str) -> bool:
    was, now = (
        {(one.regime, one.basis, one.gateway) for one in party.bases_of(dataset)} if (party := agreement.party(supplier)) else set()
        for agreement in (old, new)
    )
    return bool(was - now)


def _passes(agreement: Agreement, dataset: str) -> set[tuple[str, str]]:
    return {(one.source, one.target) for one in agreement.crossings if dataset in one.datasets}


def _head(old: Agreement, new: Agreement) -> Iterator[Change]:
    yield from reworded("reference", "the reference", old.reference, new.reference, risk=Risk.CHANGED)
    yield from reworded("versions", "the number of the version", str(old.version), str(new.version))
    yield from reworded("title", "the title", old.title, new.title)
    yield from reworded("purpose", "the purpose", old.purpose, new.purpose)
    yield from reworded("necessity", "why sharing is necessary", old.necessity, new.necessity)
    yield from reworded("DPIA", "the impact assessment", old.dpia, new.dpia)
    starts = (old.in_force_from.isoformat(), new.in_force_from.isoformat())
    yield from reworded("term", "the day from which it is in force", *starts, risk=Risk.CHANGED)
    yield from _day("the day on which it expires", old.expires, new.expires)
    yield from _day("the day by which it is reviewed", old.review, new.review)
    yield from _back_fill(old, new)
    if old.after_end is not new.after_end:
        keeps = new.after_end is AfterEnd.KEEP
        words = "kept until the day already fixed" if keeps else "destroyed at once"
        risk = Risk.WIDER if keeps else Risk.NARROWER
        yield Change(risk, "term", f"When the agreement ends, the data held are now {words}.", old.after_end, new.after_end)
    yield from reworded("contacts", "whom to tell of incidents", old.incident_contact, new.incident_contact)
    yield from reworded("contacts", "the contact for people's rights", old.rights_contact, new.rights_contact)


def _day(what: str, old: date, new: date) -> Iterator[Change]:
    if old != new:
        risk, how = (Risk.WIDER, "later") if new > old else (Risk.NARROWER, "earlier")
        yield Change(risk, "term", f"{what[:1].upper()}{what[1:]} becomes {how}.", old.isoformat(), new.isoformat())


def _back_fill(old: Agreement, new: Agreement) -> Iterator[Change]:
    if old.back_fill_from == new.back_fill_from:
        return
    was, now = (Period.parse(one.back_fill_from).start for one in (old, new))
    if was == now:
        yield from reworded("term", "how the start of back-filling is written", old.back_fill_from, new.back_fill_from)
        return
    risk, how = (Risk.WIDER, "earlier data may be sent") if now < was else (Risk.NARROWER, "less far back may be sent")
    yield Change(risk, "term", f"Back-filling: {how} than before.", old.back_fill_from, new.back_fill_from)


def _recipients(old: Agreement, new: Agreement) -> Iterator[Change]:
    before, after = ({one.id: one for one in agreement.recipients} for agreement in (old, new))
    yield from members("recipients", "Recipient {}", tuple(before), tuple(after))
    for name in (name for name in after if name in before):
        clause, was, now = f"recipients, {name}", before[name], after[name]
        yield from reworded(clause, f"the name of the recipient {name}", was.name, now.name)
        yield from reworded(clause, f"the party to which the recipient {name} belongs", was.party, now.party, risk=Risk.CHANGED)
        yield from reworded(clause, f"the client key of the recipient {name}", was.client, now.client, risk=Risk.CHANGED)
    yield from order("recipients", "the recipients", tuple(before), tuple(after))


def _checkers(old: Agreement, new: Agreement) -> Iterator[Change]:
    was, now = old.approvals.output_checkers, new.approvals.output_checkers
    if was != now:
        risk, how = (Risk.WIDER, "Fewer") if now < was else (Risk.NARROWER, "More")
        yield Change(risk, "approvals, output checkers", f"{how} people check each edition before it is published.", str(was), str(now))
    if old.approvals.from_lineage != new.approvals.from_lineage:
        risk, told = (Risk.NARROWER, "come") if new.approvals.from_lineage else (Risk.WIDER, "need no longer come")
        words = f"Output checkers {told} from different parties that supplied what an edition was made from."
        yield Change(
            risk,
            "approvals, output checkers",
            words,
            *("from the lineage" if one.approvals.from_lineage else "anybody named" for one in (old, new)),
        )


def _crossings(old: Agreement, new: Agreement) -> Iterator[Change]:
    was, now = _powers(old.crossings), _powers(new.crossings)
    for key in now:
        dataset, source, target = key
        passes = f"from {source} to {target}"
        if key not in was:
            yield Change(Risk.WIDER, "crossings", f"{dataset} may now pass {passes}.", "", now[key])
        else:
            yield from reworded("crossings", f"the power by which {dataset} passes {passes}", was[key], now[key], risk=Risk.CHANGED)
    for dataset, source, target in (key for key in was if key not in now):
        gone = was[dataset, source, target]
        yield Change(Risk.NARROWER, "crossings", f"{dataset} may no longer pass from {source} to {target}.", gone, "")


def _powers(crossings: tuple[Crossing, ...]) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for crossing in crossings:
        for name in crossing.datasets:
            key = (name, crossing.source, crossing.target)
            found[key] = "; ".join(dict.fromkeys(filter(None, (found.get(key), crossing.gateway))))
    return found


def _permissions(old: Agreement, new: Agreement) -> Iterator[Change]:
    before, after = ({one.name: one for one in agreement.permissions} for agreement in (old, new))
    yield from members("permissions", "The permission {}", tuple(before), tuple(after))
    for name in (name for name in after if name in before):
        was, now = before[name], after[name]
        yield from members("permissions", f"{{}}, as people whom the permission {name} lets be joined,", was.joins, now.joins)
        yield from reworded("permissions", f"why the permission {name} is given", was.because, now.because)
    yield from order("permissions", "the permissions", tuple(before), tuple(after))


def _items(old: Agreement, new: Agreement) -> Iterator[Change]:
    for item in ITEMS:
        was, now = old.items.get(item.name), new.items.get(item.name)
        if was == now:
            continue
        risk = Risk.WORDS if was and now and was.applies == now.applies else Risk.CHANGED
        how = _item_words(was, now)
        yield Change(risk, f"items, {item.name}", f"{item.title}: {how}.", was.words if was else "", now.words if now else "")


def _item_words(was: Said | None, now: Said | None) -> str:
    if now is None:
        return "nothing is said any more"
    if was is None:
        return "something is said where nothing was" if now.applies else "said not to be applicable, where nothing was said"
    if was.applies is not now.applies:
        return "said to apply from now on" if now.applies else "said not to be applicable any more"
    return "the words change"
