"""Whether this machine can make PDFs: the extra, and the libraries of the system that it needs."""

import pytest

from exchange.extras import ExtraMissing, load


def can_make_pdfs() -> bool:
    """The extra loads."""
    try:
        load("pdf")
    except ExtraMissing:
        return False
    return True


needs_pdf = pytest.mark.skipif(not can_make_pdfs(), reason="the extra pdf, or Pango, is not installed: PDFs were not tested")
