"""Who is who among held rows, by the demonstration's own reading of the rules: numbers of people, a row each."""

from collections.abc import Iterable

from agreements.fields import PseudonymiseRule
from agreements.model import Agreement, Dataset
from demo.partnership.reread.people import Rules, Value, people
from tests.exchange.measures.held import Held, Place


def numbered(held: Held, linkage: str, datasets: Iterable[str]) -> dict[Place, list[int | None]]:
    """A number of a person for each row of these datasets, or None for nobody: (dataset, supplier) → one a row."""
    rules = next(one for one in held.agreement.linkages if one.name == linkage)
    places = [(name, supplier) for name in dict.fromkeys(datasets) for supplier in _dataset(held.agreement, name).suppliers]
    columns: dict[str, list[Value]] = {kind: [] for kind in rules.rules}
    for place in places:
        fields = {
            field.rule.kind: field.name for field in _dataset(held.agreement, place[0]).fields if isinstance(field.rule, PseudonymiseRule)
        }
        table = held.rows[place]
        for kind in rules.rules:
            columns[kind].extend(table[fields[kind]].to_pylist() if kind in fields else [None] * table.num_rows)
    person = people(columns, Rules(rules.rules, rules.single, rules.most))
    found, start = {}, 0
    for place in places:
        end = start + held.rows[place].num_rows
        found[place] = person[start:end]
        start = end
    return found


def _dataset(agreement: Agreement, name: str) -> Dataset:
    found = agreement.dataset(name)
    assert found is not None
    return found
