"""What is published, as a catalogue for machines: W3C DCAT 3 in JSON-LD, with PROV for what revised or withdrew what.

A release is a series, an edition a dataset of it, a file a distribution. The context is written into the document: nobody has to fetch one.
Pure: editions in, document out; no clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agreements.model import Agreement
from agreements.periods import Period, PeriodKind
from agreements.release import Release
from exchange.exports.vocabulary import Node, ref, typed, words
from exchange.releases import spreadsheet
from exchange.releases.tables import EditionRow, EditionState
from exchange.times import rfc3339

CONTEXT: Mapping[str, Any] = {
    "@version": 1.1,
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "prov": "http://www.w3.org/ns/prov#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_EU = "http://publications.europa.eu/resource/authority"
_FREQUENCIES = {PeriodKind.MONTH: "MONTHLY", PeriodKind.QUARTER: "QUARTERLY", PeriodKind.YEAR: "ANNUAL"}
_MEDIA = "https://www.iana.org/assignments/media-types/"


@dataclass(frozen=True)
class File:
    """One file of an edition, without its content. ``sha256``: hexadecimal; empty where it is made on request, and ``size`` is nought."""

    name: str
    media_type: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Listed:
    """An edition with its agreement's words and its files; of a withdrawn one, the edition in its place, if there is one."""

    row: EditionRow
    agreement: Agreement
    files: Sequence[File]
    successor: str = ""

    @property
    def release(self) -> Release:
        """The release that it is an edition of."""
        found = self.agreement.release(self.row.release)
        if found is None:
            raise ValueError("the edition's agreement does not name its release")
        return found


@dataclass(frozen=True)
class Addresses:
    """Where things are: the catalogue itself, a file (``{edition}``, ``{file}``), a release's page and feed; empty: not for these readers.

    ``licence``: of what is public; empty where none was chosen.
    """

    catalogue: str
    file: str
    page: str
    feed: str = ""
    licence: str = ""

    def of_file(self, edition: str, name: str) -> str:
        """A file's address."""
        return self.file.format(edition=edition, file=name)

    def edition(self, identity: str) -> str:
        """An edition, within the catalogue."""
        return f"{self.catalogue}#{identity}"

    def series(self, row: EditionRow) -> str:
        """A release, within the catalogue."""
        return f"{self.catalogue}#{row.reference}-{row.release}"


def catalogue(editions: Sequence[Listed], at: Addresses, *, title: str, public: bool) -> dict[str, Any]:
    """The document. ``editions``: newest first; ``public``: they are for everybody."""
    series: dict[str, list[Listed]] = {}
    for one in editions:
        series.setdefault(at.series(one.row), []).append(one)
    nodes: list[Node] = [
        {
            "@id": at.catalogue,
            "@type": "dcat:Catalog",
            "dcterms:title": words(title),
            "dcterms:language": ref(f"{_EU}/language/ENG"),
            "dcat:dataset": [*(ref(name) for name in series), *(ref(at.edition(one.row.id)) for one in editions)],
        }
    ]
    for name, found in series.items():
        nodes.append(_series(name, found, at, public=public))
        nodes += [_dataset(one, found, at, public=public) for one in found]
        nodes += [_distribution(one, file, at) for one in found if one.row.state == EditionState.PUBLISHED for file in one.files]
    return {"@context": dict(CONTEXT), "@graph": nodes}


def _series(name: str, found: Sequence[Listed], at: Addresses, *, public: bool) -> Node:
    newest = found[0]
    release, agreement = newest.release, newest.agreement
    standing = [one.row.id for one in found if one.row.state == EditionState.PUBLISHED]
    page = at.page.format(reference=agreement.reference, release=release.name)
    feed = at.feed.format(reference=agreement.reference, release=release.name)
    return {
        "@id": name,
        "@type": "dcat:DatasetSeries",
        "dcterms:identifier": f"{agreement.reference}/{release.name}",
        "dcterms:title": words(release.title),
        "dcterms:description": words(release.question),
        "dcterms:accrualPeriodicity": ref(f"{_EU}/frequency/{_FREQUENCIES.get(release.cadence, 'IRREG') if release.cadence else 'IRREG'}"),
        **_common(agreement, public=public),
        **({"dcat:landingPage": ref(page)} if page else {}),
        **({"dcat:last": ref(at.edition(standing[0])), "dcat:first": ref(at.edition(standing[-1]))} if standing else {}),
        **({"dcterms:relation": {"@id": feed, "@type": "dcat:DataService", "dcat:endpointURL": ref(feed)}} if feed and standing else {}),
    }


def _common(agreement: Agreement, *, public: bool) -> Node:
    operator, rights = agreement.operator, agreement.items.get("onward_sharing")
    return {
        "dcterms:publisher": {"@type": "foaf:Organization", "foaf:name": operator.name},
        "dcat:contactPoint": _contact(operator.name, operator.contact),
        "dcterms:accessRights": ref(f"{_EU}/access-right/{'PUBLIC' if public else 'RESTRICTED'}"),
        "dcterms:rights": {
            "@type": "dcterms:RightsStatement",
            "dcterms:description": words(rights.words if rights else "As the agreement says."),
        },
    }


def _contact(name: str, contact: str) -> Node:
    address = next((word.strip(".,;()") for word in contact.split() if "@" in word), "")
    return {"@type": "vcard:Organization", "vcard:fn": name, **({"vcard:hasEmail": ref(f"mailto:{address}")} if address else {})}


def _dataset(one: Listed, series: Sequence[Listed], at: Addresses, *, public: bool) -> Node:
    row, release = one.row, one.release
    said = (row.signed or {}).get("document", row.draft)
    withdrawn = row.state == EditionState.WITHDRAWN
    periods = row.first_period if row.first_period == row.last_period else f"{row.first_period} to {row.last_period}"
    known = {other.row.id for other in series}
    return {
        "@id": at.edition(row.id),
        "@type": "dcat:Dataset",
        "dcterms:identifier": row.id,
        "dcterms:title": words(f"{release.title}: {periods}"),
        "dcterms:description": words(" ".join((release.question, *release.caveats))),
        "dcat:inSeries": ref(at.series(row)),
        "dcterms:issued": typed(rfc3339(row.published_at), "dateTime") if row.published_at else None,
        "dcterms:temporal": {
            "@type": "dcterms:PeriodOfTime",
            "dcat:startDate": typed(Period.parse(row.first_period).start.isoformat(), "date"),
            "dcat:endDate": typed(Period.parse(row.last_period).end.isoformat(), "date"),
        },
        "adms:status": ref(f"{_EU}/dataset-status/{_status(said, withdrawn=withdrawn)}"),
        **_common(one.agreement, public=public),
        **({"prov:wasRevisionOf": ref(at.edition(row.revises))} if row.revises in known else {}),
        **({"adms:versionNotes": words(row.reason)} if row.reason else {}),
        **(_withdrawn(one, at) if withdrawn else {"dcat:distribution": [ref(at.of_file(row.id, file.name)) for file in one.files]}),
    }


def _status(said: Mapping[str, Any], *, withdrawn: bool) -> str:
    if withdrawn:
        return "WITHDRAWN"
    return "OP_DATPRO" if said.get("status") == "provisional" else "COMPLETED"


def _withdrawn(one: Listed, at: Addresses) -> Node:
    row = one.row
    return {
        **({"prov:invalidatedAtTime": typed(rfc3339(row.withdrawn_at), "dateTime")} if row.withdrawn_at else {}),
        **({"adms:versionNotes": words(row.ended)} if row.ended else {}),
        **({"dcterms:isReplacedBy": ref(at.edition(one.successor))} if one.successor else {}),
    }


def _distribution(one: Listed, file: File, at: Addresses) -> Node:
    table = next((table.title for table in one.release.tables if file.name.startswith(f"{table.name}.")), "All tables as a spreadsheet")
    address = at.of_file(one.row.id, file.name)
    checksum = {
        "@type": "spdx:Checksum",
        "spdx:algorithm": ref("http://spdx.org/rdf/terms#checksumAlgorithm_sha256"),
        "spdx:checksumValue": typed(file.sha256, "hexBinary"),
    }
    return {
        "@id": address,
        "@type": "dcat:Distribution",
        "dcterms:title": words(f"{table} ({file.name})"),
        "dcat:accessURL": ref(address),
        "dcat:downloadURL": ref(address),
        "dcat:mediaType": ref(_MEDIA + file.media_type.split(";", 1)[0]),
        **({"dcterms:license": ref(at.licence)} if at.licence else {}),
        **({"spdx:checksum": checksum, "dcat:byteSize": typed(str(file.size), "nonNegativeInteger")} if file.sha256 else {}),
    }


def with_spreadsheet(files: Iterable[File]) -> list[File]:
    """The files of an edition, and the spreadsheet that is made of them."""
    return [*files, File(spreadsheet.NAME, spreadsheet.MEDIA_TYPE, "", 0)]
