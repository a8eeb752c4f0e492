"""Where an agreement's page is: the one place that knows."""

from flask import url_for


def agreement_link(reference: str, version: int) -> str:
    """The address of a version's page."""
    return url_for("web.agreement", reference=reference, version=version)
