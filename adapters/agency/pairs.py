"""Telling the hub that two of our records are, or are not, one person's: the pair as pseudonyms, sealed to the hub, signed by us, in a file.

The file goes to whoever may override the linkage at the hub, who enters it with a reason. Nobody but the hub can open it.
"""

import secrets
from typing import Any

from adapters.agency.agreements_store import Verified
from adapters.agency.rights import Asking, Whom
from adapters.errors import AgreementRefused, UsageError
from keys.encoding import b64, unb64
from keys.linkage import FORMAT, LinkageRequest, pack_pairs
from keys.pseudonym import NORMALISER, key_check_value
from keys.rights import Epoch
from keys.seal import linkage_info, seal
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
    if not any(asking.run.party in one.suppliers and _has(one, who.kind) for one in agreement.datasets):
        raise AgreementRefused("We supply no dataset with identifiers of this kind.", why=f"{agreement.clause('datasets')}.")
    return _signed(asking, verified, who, action)


def _has(dataset: Any, kind: str) -> bool:
    return any(getattr(field.rule, "kind", "") == kind for field in dataset.fields)


def _signed(asking: Asking, verified: Verified, who: Whom, action: str) -> dict[str, Any]:
    agreement = verified.agreement
    offer = asking.client.get("/v1/rights", "asking how to seal", {"agreement": agreement.digest})
    notice, epochs = asking.offered(offer, verified)
    request = secrets.token_hex(16)
    made = {epoch: asking.pseudonyms(agreement.reference, epoch, secret, who) for epoch, secret in epochs.items()}
    info = linkage_info(agreement=agreement.digest, supplier=asking.run.party, request=request)
    document = LinkageRequest(
        format=FORMAT,
        request=request,
        supplier=asking.run.party,
        reference=agreement.reference,
        version=agreement.version,
        agreement=agreement.digest,
        action=action,
        kind=who.kind,
        normaliser=NORMALISER,
        epochs=tuple(Epoch(epoch, key_check_value(secret, agreement.reference, epoch)) for epoch, secret in epochs.items()),
        sealing_key=notice.id,
        sealed=b64(seal(pack_pairs({epoch: (pair[0], pair[1]) for epoch, pair in made.items()}), unb64(notice.public), info)),
        created=asking.run.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return sign_document(document.document(), Use.LINKAGE_REQUEST, asking.run.agency.manifest_key)
