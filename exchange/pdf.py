"""HTML to PDF/UA-1 (ISO 14289-1), by WeasyPrint; nothing is ever fetched. An extra: reached through ``exchange.extras`` alone."""

import hashlib
import threading
from typing import NoReturn

import weasyprint
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from exchange.errors import TooLarge, Unavailable

LIMIT = 400_000  # characters of HTML, ten times an agreement as it usually is; more would hold up the hub for a minute
PATIENCE = 3.0  # seconds to wait for another document that is being made; whoever waits keeps a thread from those who stop sharing


class _NoFetching(URLFetcher):
    """Refuses every address, ``data:`` and ``file:`` too, before anything is opened."""

    def fetch(self, url: str, headers: object = None) -> NoReturn:
        raise ValueError("nothing is fetched.")


_one_at_a_time = threading.Lock()


def to_pdf(html: str) -> bytes:
    """A tagged PDF of a whole HTML page that needs nothing but itself. The same page gives the same bytes.

    :class:`TooLarge` for more than ``LIMIT`` characters; :class:`Unavailable` while another one is being made: each takes a processor
    and some hundred megabytes for seconds.
    """
    if len(html) > LIMIT:
        raise TooLarge(
            "this agreement is too long to be made into a PDF here.",
            remedy="Take the signed export, which holds the same words.",
            code="too-long-for-pdf",
        )
    if not _one_at_a_time.acquire(timeout=PATIENCE):
        raise Unavailable("the hub is making other PDFs just now.", remedy="Try again in a minute.", code="busy-with-pdf")
    try:
        page = weasyprint.HTML(string=html, url_fetcher=_NoFetching())
        identifier = hashlib.sha256(html.encode()).hexdigest()[:32].encode()
        made = page.write_pdf(font_config=FontConfiguration(), pdf_variant="pdf/ua-1", pdf_identifier=identifier)
    finally:
        _one_at_a_time.release()
    return bytes(made)
