"""Words that were written to do harm, in an agreement that is otherwise a good one."""

import json
from typing import Any

import rfc8785

from agreements.document import read_canonical
from agreements.model import Agreement

HARM = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}{% raw %}\'"`;--</textarea></title>'


def hostile(canonical: bytes) -> Agreement:
    """The same agreement as version 2, whose every free text tries to be something else, and which is about as large as one can be."""
    parsed: dict[str, Any] = json.loads(canonical)
    long = "w" * 3_800
    parsed["agreement"] |= {"version": 2, "title": HARM, "purpose": f"{HARM} {long}", "necessity": HARM, "dpia": HARM}
    parsed["agreement"] |= {"incident_contact": HARM, "rights_contact": HARM}
    for name in parsed["items"]:
        parsed["items"][name] = f"{HARM}\nline\n{long}"
    for party in parsed["parties"]:
        party |= {"name": HARM, "short_name": HARM, "contact": HARM}
        party["dpo"]["name"] = HARM
        party["signatory"]["position"] = HARM
    for dataset in parsed["datasets"]:
        dataset |= {"title": HARM, "grain": HARM}
        for one in dataset["fields"]:
            one |= {"meaning": f"{HARM} {long}", "reason": f"{HARM} {long}"}
    for release in parsed["releases"]:
        release |= {"title": HARM, "question": HARM, "unit": HARM, "caveats": [f"{HARM} {number} {long}" for number in range(200)]}
    made = rfc8785.dumps(parsed)
    assert len(made) > 900_000
    return read_canonical(made)
