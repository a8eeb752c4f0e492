"""Telling the hub that two of our records are, or are not, one person's: the pair as pseudonyms, sealed to the hub, signed by us, in a file.

The file goes to whoever may override the linkage at the hub, who enters it with a reason. Nobody but the hub can open it.
"""

from typing import Any

from adapters.agency.rights import Asking, Whom
from adapters.errors import AgreementRefused, UsageError
from agreements.rights import reached
from keys.linkage import FORMAT, LinkageRequest, pack_pairs
from keys.seal import linkage_info
from keys.sign import Use, sign_document


def paired(asking: Asking, reference: str, who: Whom, action: str) -> dict[str, Any]:
    """The signed request under one agreement, for every linkage epoch whose secret is here.

    Raises:
        UsageError: these are not two identifiers.
        AgreementRefused: the agreement links nothing by this kind, or we supply no rows with it.
        ConfigError, NetworkFailed, IntegrityFailed: as for requests about rights.
    """
    if len(who.identifiers) != 2:
        raise UsageError("Two different identifiers are needed.", remedy="Give two lines, one identifier each.")
    [verified] = asking.agreements(reference, who.kind)
    agreement = verified.agreement
    if not any(who.kind in linkage.rules for linkage in agreement.linkages):
        raise AgreementRefused("No linkage of the agreement links by identifiers of this kind.", why=f"{agreement.clause('linkages')}.")
    if not reached(agreement, asking.run.party, who.kind):
        raise AgreementRefused("We supply no dataset with identifiers of this kind.", why=f"{agreement.clause('datasets')}.")
    about = asking.sealed(verified, who, "asking how to seal", pack_pairs, linkage_info)
    document = LinkageRequest(format=FORMAT, action=action, **about).document()
    return sign_document(document, Use.LINKAGE_REQUEST, asking.run.agency.manifest_key)
