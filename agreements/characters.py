"""Characters that make a text read otherwise than it is written. No text of an agreement may hold one."""

import unicodedata

# Controls, surrogates, private and unassigned code points, formats (bidirectional overrides, zero widths), and Unicode's own line ends.
_DECEPTIVE = frozenset({"Cc", "Cs", "Co", "Cn", "Cf", "Zl", "Zp"})


def deceives(text: str) -> bool:
    """Whether the text is not in NFC, or holds a character that a reader cannot see for what it is."""
    return unicodedata.normalize("NFC", text) != text or any(unicodedata.category(character) in _DECEPTIVE for character in text)
