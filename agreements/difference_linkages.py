"""What changes in how people are linked: which records are taken for one person's, and what stops a link."""

from collections.abc import Iterator

from agreements.changes import Change, Risk, members, order, reworded
from agreements.linkage import Linkage
from agreements.linked import taking_part
from agreements.model import Agreement


def linkages(old: Agreement, new: Agreement) -> Iterator[Change]:
    """Linkages that come and go, and what changes in those that stay."""
    before, after = ({one.name: one for one in agreement.linkages} for agreement in (old, new))
    yield from members("linkages", "The linkage {}", tuple(before), tuple(after))
    for name in (name for name in after if name in before):
        yield from linkage_changes(before[name], after[name])
        reached = [[one.name for one in taking_part(one_of[name], words.datasets)] for one_of, words in ((before, old), (after, new))]
        yield from members(f"linkage {name}, datasets", f"The dataset {{}}, as one whose records {name} links,", *reached)
    yield from order("linkages", "the linkages", tuple(before), tuple(after))


def linkage_changes(old: Linkage, new: Linkage) -> Iterator[Change]:
    """What changes in one linkage, in the order in which it is read."""
    place, name = f"linkage {new.name}", new.name
    yield from reworded(place, f"the title of {name}", old.title, new.title)
    yield from members(f"{place}, rules", f"{{}}, as a kind by which {name} links,", old.rules, new.rules)
    yield from order(f"{place}, rules", f"the rules of {name}", old.rules, new.rules, risk=Risk.CHANGED)
    for kind in (kind for kind in new.single if kind not in old.single):
        words = f"Two values of {kind} stop a link of {name} from now on."
        yield Change(Risk.NARROWER, f"{place}, single", words, "", kind)
    for kind in (kind for kind in old.single if kind not in new.single):
        yield Change(Risk.WIDER, f"{place}, single", f"Two values of {kind} do not stop a link of {name} any more.", kind, "")
    yield from order(f"{place}, single", f"the kinds that {name} lets a person have once", old.single, new.single)
    if old.most != new.most:
        how = "grows" if new.most > old.most else "falls"
        words = f"The number of records that {name} may link as one person's {how}."
        yield Change(Risk.WIDER if new.most > old.most else Risk.NARROWER, f"{place}, most", words, f"{old.most:,}", f"{new.most:,}")
    if old.permission != new.permission:
        risk = Risk.CHANGED if old.permission and new.permission else Risk.WIDER if new.permission else Risk.NARROWER
        words = f"The permission by which {name} links people harmed and people accused changes."
        yield Change(risk, f"{place}, permission", words, old.permission, new.permission)


def links_more(old: Linkage, new: Linkage) -> bool:
    """Whether the new words may take records for one person's that the old did not: another precedence counts as more."""
    again = tuple(kind for kind in old.rules if kind in new.rules)
    return new.rules != again or bool(set(old.single) - set(new.single)) or new.most > old.most
