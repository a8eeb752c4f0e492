"""What people can say of an agreement, in words: one table, so that every page says it the same way."""

from collections.abc import Mapping
from dataclasses import dataclass

from agreements.signing import Capacity, Voice


@dataclass(frozen=True)
class Words:
    """One voice in words.

    Attributes:
        page: the endpoint (without the blueprint) of the page where it is begun.
        asks: that page's heading.
        done: what was said, for matrix and timeline.
        declaration: what the person declares; ``{party}`` and ``{words}`` (the agreement's reference and version) are filled in.
        button: the button that asks for the passkey.
        panel: the heading of the page that confirms it.
        command: the command of the key-file road.
        stops: something comes to a stop; the page warns.
    """

    page: str
    asks: str
    done: str
    declaration: str
    button: str
    panel: str
    command: str
    stops: bool = False


WORDS: Mapping[Voice, Words] = {
    Voice.ADVISE_FOR: Words(
        "advise",
        "Give your advice",
        "Advised for it",
        "As data protection officer I have read exactly these words and advise {party} to enter into {words}.",
        "Give this advice",
        "Advice recorded",
        "advise",
    ),
    Voice.ADVISE_AGAINST: Words(
        "advise",
        "Give your advice",
        "Advised against it",
        "As data protection officer I have read exactly these words and advise {party} not to enter into {words}. The decision is the signatory’s.",
        "Give this advice",
        "Advice recorded",
        "advise-against",
    ),
    Voice.SIGN: Words(
        "sign",
        "Sign this agreement",
        "Signed it",
        "I am authorised to sign for {party}. I have read exactly these words, and with this signature {party} is bound by {words}.",
        "Sign this agreement",
        "Agreement signed",
        "sign",
    ),
    Voice.ENDORSE: Words(
        "endorse",
        "Vouch for the changed keys",
        "Vouched for the keys it changes",
        "For {party} I vouch that the keys which {words} names for its people are theirs. I do so with the key that the version in force names for me.",
        "Vouch for these keys",
        "Keys vouched for",
        "endorse",
    ),
    Voice.SUSPEND: Words(
        "suspend",
        "Suspend",
        "Suspended it",
        "For {party} I stop what is shared under {words}, as said above, from this moment and until a signatory of {party} resumes it.",
        "Suspend now",
        "Suspended",
        "suspend",
        stops=True,
    ),
    Voice.RESUME: Words(
        "resume",
        "Resume",
        "Resumed it",
        "For {party} I take back its suspension of {words}. Sharing goes on as soon as no party suspends it any more.",
        "Resume",
        "Suspension taken back",
        "resume",
    ),
    Voice.TERMINATE: Words(
        "terminate",
        "End this agreement",
        "Ended it",
        "For {party} I end {words}, for every party and for good.",
        "End this agreement now",
        "Agreement ended",
        "terminate",
        stops=True,
    ),
}
CAPACITIES: Mapping[Capacity, str] = {Capacity.DPO: "Data protection officer", Capacity.SIGNATORY: "Signatory"}


def done(voice: Voice, dataset: str = "") -> str:
    """What was said, of all of it or of one dataset: ``Suspended the dataset crimes``."""
    words = WORDS[voice].done
    return words.removesuffix(" it") + f" the dataset {dataset}" if dataset else words


_SAYS: Mapping[Voice, str] = {
    Voice.ADVISE_FOR: "I advise for this agreement",
    Voice.ADVISE_AGAINST: "I advise against this agreement",
    Voice.SIGN: "I sign this agreement",
    Voice.ENDORSE: "I vouch for the keys that it changes",
    Voice.SUSPEND: "I suspend {what}",
    Voice.RESUME: "I resume {what}",
    Voice.TERMINATE: "I end this agreement",
}


def says(voice: Voice, dataset: str = "") -> str:
    """What is about to be said: ``I suspend the dataset crimes``."""
    return _SAYS[voice].format(what=f"the dataset {dataset}" if dataset else "the whole agreement")
