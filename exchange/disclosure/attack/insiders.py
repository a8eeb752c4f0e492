"""Contributors who alone make up hidden cells, and so know them: which primary cells each of them can work out exactly."""

import numpy as np

from exchange.disclosure.attack.long import Array
from exchange.disclosure.attack.programs import Floats
from exchange.disclosure.attack.ranges import Fallen, Ranges, Targets


def inside(ranges: Ranges, fall: Floats, rise: Floats, targets: Targets, owner: Array) -> list[Fallen]:
    """The cells that some contributor can work out exactly. `owner`: (cells,) the number of the one contributor, or -1.

    A change that leaves a contributor's cells alone keeps its targets uncertain to that one: most pairs of a target and a contributor are
    settled by what is known already, and only the others are tried one by one.
    """
    unknown = ranges.system.unknown
    owned = np.flatnonzero(unknown & (owner >= 0))
    targets = targets.only(unknown[targets.cells])
    if not len(owned) or not len(targets.cells):
        return []
    limits = ranges.limits(fall, rise)
    found: set[int] = set()
    for leader, people in _open_pairs(ranges, (fall, rise), targets, owned, owner):
        own = {person: owned[owner[owned] == person] for person in people}
        cells = targets.cells[ranges.leader[targets.cells] == leader]
        for person in _left(ranges, leader, {person: np.unique(ranges.leader[cells_]) for person, cells_ in own.items()}, limits):
            rest = set(cells[~np.isin(cells, own[person])].tolist()) - found
            if rest and sum(ranges.without(leader, np.unique(ranges.leader[own[person]]), *limits)) < 1:
                found |= rest
    return [Fallen(cell, 0.0, 0.0) for cell in sorted(found)]


def _left(ranges: Ranges, leader: int, held: dict[int, Array], limits: tuple[Floats, Floats]) -> list[int]:
    """The contributors for whom no change near a leader shows that it can move: all of them tried at once, then each."""
    part = ranges.around(leader)
    others = {person: cells for person, cells in held.items() if leader not in cells}
    if part is None or not others or ranges.moves(part, leader, np.unique(np.concatenate(list(others.values()))), *limits):
        return sorted(held.keys() - others.keys() if part is not None else held)
    alone = {person for person, cells in others.items() if len(others) > 1 and ranges.moves(part, leader, cells, *limits)}
    return sorted(held.keys() - alone)


def _open_pairs(ranges: Ranges, limits: tuple[Floats, Floats], targets: Targets, owned: Array, owner: Array) -> list[tuple[int, list[int]]]:
    """(leader of targets, contributors) wherever every change known for the leader also moves a cell of the contributor's."""
    leaders, piece, moving = ranges.useful(*limits)
    size = len(ranges.leader)
    wanted = np.unique(ranges.leader[targets.cells])
    aimed = moving & np.isin(leaders, wanted)
    chances = np.bincount(leaders[aimed], minlength=size)
    people = np.unique(np.stack([ranges.leader[owned], owner[owned]]), axis=1)
    # Each piece beside each contributor whose cells it moves, then each target of a piece beside each such contributor.
    at, person = _spread(people[0], leaders, people[1])
    moves = np.unique(np.stack([piece[at], person]), axis=1)
    at, person = _spread(moves[0], piece[aimed], moves[1])
    both, count = np.unique(np.stack([leaders[aimed][at], person]), axis=1, return_counts=True)
    pairs = {(who, leader) for leader, who in both[:, count == chances[both[0]]].T.tolist()}
    for leader in wanted[chances[wanted] == 0].tolist():
        beside = ranges.label[people[0]] == ranges.label[leader]
        pairs.update((who, leader) for who in people[1][beside].tolist())
    grouped: dict[int, list[int]] = {}
    for who, leader in sorted(pairs):
        grouped.setdefault(leader, []).append(who)
    return sorted(grouped.items())


def _spread(keys: Array, wanted: Array, what: Array) -> tuple[Array, Array]:
    """For every i, whatever stands in `what` where `keys` (ascending) is wanted[i], beside i, end to end."""
    first = np.searchsorted(keys, wanted)
    lengths = np.searchsorted(keys, wanted, side="right") - first
    at = np.repeat(np.arange(len(first)), lengths)
    offset = np.arange(len(at)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return at, what[np.repeat(first, lengths) + offset]
