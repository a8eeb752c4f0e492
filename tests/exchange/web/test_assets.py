"""What the pages ship of others: unaltered since it was built, credited, and without the marks that are not ours to show."""

import hashlib
import re

import pytest

from tests.exchange.standing import ROOT

WEB = ROOT / "exchange" / "web"
VENDOR = WEB / "static" / "vendor"
SUMS = {name: digest for digest, name in (line.split("  ", 1) for line in (VENDOR / "SHA256SUMS").read_text(encoding="utf-8").splitlines())}
FOREIGN = re.compile(
    r"GDS Transport|govuk-crest|footer__crown|govuk-logotype|header__logotype-crown|crown\.svg|govuk-icon|opengraph-image|@font-face",
    re.IGNORECASE,
)


def test_every_vendored_file_has_its_digest_and_no_other_lies_there() -> None:
    found = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert found == {*SUMS, "SHA256SUMS"}


@pytest.mark.parametrize("name", sorted(SUMS))
def test_a_vendored_file_is_what_was_built(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == SUMS[name]


def test_versions_and_licences_stand_beside_it() -> None:
    versions = dict(line.rsplit(" ", 1) for line in (VENDOR / "VERSION").read_text(encoding="utf-8").splitlines())
    package = (WEB / "style" / "package.json").read_text(encoding="utf-8")
    assert versions["govuk-frontend"] == "6.3.0"
    for name, version in versions.items():
        assert f'"{name}": "{version}"' in package
    for licence in ("LICENCE-govuk-frontend.txt", "LICENCE-moj-frontend.txt"):
        text = (VENDOR / licence).read_text(encoding="utf-8")
        assert "MIT" in text
        assert "Copyright" in text


def test_no_crown_no_crest_no_government_typeface_no_logotype() -> None:
    for path in WEB.rglob("*"):
        if (
            path.is_file()
            and path.suffix in {".css", ".html", ".js", ".svg", ".txt", ".ico", ".png"}
            and path.name != "govuk-frontend.min.js"
        ):
            found = FOREIGN.search(path.read_text(encoding="utf-8", errors="replace"))
            assert found is None, (path, found)
    assert not [path for path in WEB.rglob("*") if path.suffix in {".woff", ".woff2", ".ttf", ".otf", ".ico"}]


def test_the_marks_would_be_found() -> None:
    for planted in ("url(govuk-crest.svg)", "font-family: 'GDS Transport'", "class=govuk-footer__crown", "@font-face{}"):
        assert FOREIGN.search(planted)


def test_the_lock_names_no_registry() -> None:
    for lock in (WEB / "style" / "package-lock.json", ROOT / "tests" / "functional" / "oidc" / "package-lock.json"):
        text = lock.read_text(encoding="utf-8")
        assert '"resolved"' not in text
        assert text.count('"integrity": "sha512-') >= 10


def test_the_pages_link_nothing_from_elsewhere() -> None:
    for path in (WEB / "templates").rglob("*.html"):
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', path.read_text(encoding="utf-8")), path
