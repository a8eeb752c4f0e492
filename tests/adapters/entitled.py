"""The stand-in hub's answer to requests about people's rights: it opens what was sealed, remembers it for the test, and signs a receipt."""

from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from keys.encoding import b64, digest, parse_json, unb64
from keys.formats import SealingKeyNotice
from keys.rights import Ground, RightsReceipt, RightsRequest, unpack
from keys.seal import rights_info, unseal
from keys.sign import SigningKey, Use, sign_document, verify_document
from tests.adapters.intake import Problem, answer_json, as_time
from tests.adapters.partnership import Partnership
from tests.adapters.standin import StandIn


class Entitled(StandIn):
    """A hub that holds nobody's rows, and says so properly."""

    def __init__(self, *partnerships: Partnership) -> None:
        super().__init__(*partnerships)
        self.asked: list[RightsRequest] = []
        self.opened: list[dict[int, frozenset[bytes]]] = []
        self.edit: dict[str, Any] = {}
        self.signer: SigningKey | None = None
        self.refuse_rights = ""

    def on_rights(self, request: Request, party: str) -> Response:
        if request.method == "GET":
            one = next(one for one in self.partnerships.values() if one.agreement.digest == request.args["agreement"])
            now = datetime.now(UTC)
            until = as_time(now + timedelta(days=self.sealing_days))
            notice = SealingKeyNotice(self._sealing_id(), b64(self.sealing.public), as_time(now - timedelta(days=1)), until)
            linkage = self.linkage.get(one.agreement.reference)
            signed = sign_document(notice.document(), Use.SEALING_KEY, one.signing("lcjp-operator/identity"))
            return answer_json({"agreement": one.agreement.digest, "sealing_key": signed, "epochs": [linkage] if linkage else []})
        return self._exercise(parse_json(request.get_data()), party)

    def _exercise(self, signed: Any, party: str) -> Response:
        if self.refuse_rights:
            raise Problem(422, self.refuse_rights, "not so")
        one = self._of(signed["document"]["reference"], party)
        key = one.signing(f"{party}/manifest").public.fingerprint
        found = RightsRequest.parse(verify_document(signed, Use.RIGHTS_REQUEST, key))
        info = rights_info(agreement=found.agreement, supplier=party, request=found.request)
        self.asked.append(found)
        self.opened.append(unpack(unseal(unb64(found.sealed), self.sealing, info)))
        receipt = RightsReceipt(
            format=1,
            request=found.request,
            asked=digest(found.document()),
            supplier=found.supplier,
            reference=found.reference,
            version=found.version,
            agreement=found.agreement,
            right=found.right,
            kind=found.kind,
            grounds=tuple(Ground(name, "a clause", "a law") for name in found.datasets),
            searched=4,
            rows=0,
            batches=(),
            deferred=(),
            push_again=(),
            recipients=(),
            editions=(),
            decided=as_time(datetime.now(UTC)),
        )
        signer = self.signer or one.signing("lcjp-operator/receipts")
        return answer_json({"receipt": sign_document({**receipt.document(), **self.edit}, Use.RIGHTS_RECEIPT, signer)})
