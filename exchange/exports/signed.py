"""The signed export: the canonical words and every statement as it was signed, so that anybody can verify them without a hub."""

import json

from exchange.register.tables import AgreementRow

FORMAT = "lcjp-exchange/agreement/1"


def signed_export(row: AgreementRow) -> str:
    """The file: JSON, a line end last. It is the same from the command line, the page and any other door."""
    document = {"format": FORMAT, "canonical": row.canonical.decode(), "statements": [one.signed for one in row.statements]}
    return json.dumps(document, indent=1) + "\n"
