"""Which records of an agreement are taken for one person: the kinds of pseudonym that link them, in order, and what stops a link."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Linkage:
    """How records of one person are found across datasets, by equal pseudonyms alone.

    Attributes:
        name: as releases name it: ``base = "person"``.
        rules: kinds of pseudonym in order of precedence: what an earlier kind has linked, a later one adds to.
        single: kinds of which one person has one only: two different values in what would be one person stop the link.
        most: the most records that one person may have by linking: a value that would make more is too common, and links nothing.
        permission: the permission by which people harmed and people accused are linked with one another; empty where they are not.
    """

    name: str
    title: str
    rules: tuple[str, ...]
    single: tuple[str, ...]
    most: int
    permission: str = ""
