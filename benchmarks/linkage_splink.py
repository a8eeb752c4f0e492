"""Splink 5 itself, on the clear text of the same sets: its documentation's settings for them, trained by expectation maximisation.

It is given every help: term frequencies, all columns that its documentation uses (street number and address too, which ours never has), the
threshold at which its F1 is best, known only from the truth, and of its pairs and its clusters at that threshold whichever score better.
"""

import logging
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from benchmarks.linkage_sets import NUMBERS, Pairs, Row, Score, Set, grouped

Scored = list[tuple[float, int, int]]


def scored_pairs(given: Set, *, identifier: bool, same_columns: bool) -> Scored:
    """Splink's probability of each pair it looks at, most probable first.

    Args:
        identifier: whether it is given the set's own identifier, as ours is.
        same_columns: only the columns that ours is made from.
    """
    febrl = given.name.startswith("febrl")
    unique = "rec_id" if febrl else "unique_id"
    if febrl:
        settings, certain, training = _febrl(given, identifier=identifier, same_columns=same_columns)
    elif given.name.startswith("splink"):
        settings, certain, training = _fake_1000(identifier=identifier)
    else:
        settings, certain, training = _synthetic(identifier=identifier)
    database = DuckDBAPI()
    parts = given.tables if given.across else (given.rows,)
    tables = [database.register(_table(table), dataset_display_name=f"t{place}") for place, table in enumerate(parts)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        linker = Linker(tables if len(tables) > 1 else tables[0], settings)
        linker.training.estimate_probability_two_random_records_match(certain, recall=0.8 if febrl else 0.7)
        linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
        for rule in training:
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
        predicted = linker.inference.predict(threshold_match_probability=0.001).as_record_list()
        logging.disable(logging.NOTSET)
    place = {row[unique]: number for number, row in enumerate(given.rows)}
    pairs = [(pair["match_probability"], place[pair[f"{unique}_l"]], place[pair[f"{unique}_r"]]) for pair in predicted]
    return sorted(((score, min(one, other), max(one, other)) for score, one, other in pairs), reverse=True)


def best(given: Set, pairs: Scored) -> tuple[Score, float, str, Pairs]:
    """The best score over all thresholds, the threshold, whether of pairs or clusters, and the pairs themselves."""
    truth = given.truth()
    found = max(_over_pairs(pairs, truth), _over_clusters(given, pairs, len(truth)))
    _, threshold, how = found
    chosen = [(one, other) for score, one, other in pairs if score >= threshold]
    taken = frozenset(chosen) if how == "pairs" else given.between(_joined(len(given.who), chosen))
    return Score.of(taken, truth), threshold, how, taken


def _febrl(given: Set, *, identifier: bool, same_columns: bool) -> tuple[SettingsCreator, list[Any], list[Any]]:
    comparisons: list[Any] = [
        cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
    ]
    blocking: list[Any] = [block_on("given_name", "surname"), block_on("date_of_birth"), block_on("postcode"), block_on("surname")]
    if identifier:
        comparisons.append(cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]))
        blocking.append(block_on("soc_sec_id"))
    if not same_columns:
        comparisons.append(cl.ExactMatch("street_number").configure(term_frequency_adjustments=True))
        blocking += [block_on("state", "address_1"), block_on("street_number", "address_1")]
    settings = SettingsCreator(
        link_type="link_only" if given.across else "dedupe_only",
        unique_id_column_name="rec_id",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=blocking,
    )
    return settings, [block_on("given_name", "surname"), block_on("date_of_birth")], [block_on("date_of_birth"), block_on("postcode")]


def _fake_1000(*, identifier: bool) -> tuple[SettingsCreator, list[Any], list[Any]]:
    comparisons: list[Any] = [
        cl.ForenameSurnameComparison("first_name", "surname"),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        cl.ExactMatch("city").configure(term_frequency_adjustments=True),
    ]
    blocking: list[Any] = [block_on("first_name", "city"), block_on("surname"), block_on("dob"), block_on("first_name")]
    certain: list[Any] = [block_on("first_name", "surname"), block_on("surname", "dob")]
    if identifier:
        comparisons.append(cl.EmailComparison("email"))
        blocking.append(block_on("email"))
        certain = [block_on("first_name", "surname", "dob"), block_on("email")]
    settings = SettingsCreator(link_type="dedupe_only", comparisons=comparisons, blocking_rules_to_generate_predictions=blocking)
    return settings, certain, [block_on("first_name", "surname"), block_on("dob")]


def _synthetic(*, identifier: bool) -> tuple[SettingsCreator, list[Any], list[Any]]:
    comparisons: list[Any] = [
        cl.ForenameSurnameComparison("forename", "surname", forename_surname_concat_col_name="both_names"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True),
        cl.PostcodeComparison("postcode"),
    ]
    blocking: list[Any] = [
        block_on("forename", "surname"),
        block_on("date_of_birth"),
        block_on("postcode", "surname"),
        block_on("postcode", "forename"),
    ]
    certain: list[Any] = [block_on("forename", "surname", "date_of_birth"), block_on("surname", "postcode", "date_of_birth")]
    if identifier:
        for number in NUMBERS.values():
            comparisons.append(cl.ExactMatch(number))
            blocking.append(block_on(number))
            certain.append(block_on(number))
    settings = SettingsCreator(link_type="dedupe_only", comparisons=comparisons, blocking_rules_to_generate_predictions=blocking)
    return settings, certain, [block_on("forename", "surname"), block_on("date_of_birth")]


def _table(rows: Sequence[Row]) -> pa.Table:
    return pa.table({name: pa.array([row[name] or None for row in rows], pa.string()) for name in rows[0]})


def _over_pairs(pairs: Scored, truth: Pairs) -> tuple[float, float, str]:
    right, found = 0, (0.0, 1.0, "pairs")
    for number, (score, one, other) in enumerate(pairs, 1):
        right += (one, other) in truth
        if number == len(pairs) or pairs[number][0] < score:
            found = max(found, (2 * right / (number + len(truth)), score, "pairs"))
    return found


def _over_clusters(given: Set, pairs: Scored, true_pairs: int) -> tuple[float, float, str]:
    """Clusters as pairs come in by falling probability: what each merge adds in pairs, and in right ones, is counted by table and person."""
    first = len(given.tables[0]) if given.across else 0
    parts = [Counter([(place < first if first else None, person)]) for place, person in enumerate(given.who)]
    root = list(range(len(parts)))
    right, taken, found = 0, 0, (0.0, 1.0, "clusters")
    for number, (score, *pair) in enumerate(pairs, 1):
        one, other = (_root(root, place) for place in pair)
        if one != other:
            added = [
                (here * there, person == whose)
                for (table, person), here in parts[one].items()
                for (second, whose), there in parts[other].items()
                if not first or table != second
            ]
            taken += sum(count for count, _ in added)
            right += sum(count for count, alike in added if alike)
            parts[one] += parts[other]
            root[other] = one
        if number == len(pairs) or pairs[number][0] < score:
            found = max(found, (2 * right / (taken + true_pairs), score, "clusters"))
    return found


def _joined(rows: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    root = list(range(rows))
    for one, other in pairs:
        root[_root(root, one)] = _root(root, other)
    return grouped(_root(root, row) for row in range(rows))


def _root(root: list[int], place: int) -> int:
    while root[place] != place:
        root[place] = root[root[place]]
        place = root[place]
    return place
