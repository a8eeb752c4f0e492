"""Every release, as plain SQL over the agreed fields: its units, whom it tells apart, and of which months it reads what."""

from collections.abc import Mapping

from demo.partnership.reread import effectiveness, reoffending, victims

UNITS: Mapping[str, str] = {
    "me1-trials": effectiveness.TRIALS,
    "me3-completions": effectiveness.COMPLETIONS,
    "me5-timeliness": effectiveness.TIMELINESS,
    "me5-open": effectiveness.OPEN,
    "me6-special-measures": effectiveness.WITNESSES,
    "me7-claims": effectiveness.CLAIMS,
    "mv1-satisfaction": victims.SURVEY,
    "mv3-attendance": victims.ATTENDANCE,
    "mv3-again": victims.AGAIN,
    "mv4-offers": victims.OFFERS,
    "mv5-repeat": victims.REPEATS,
    "mv6-attrition": victims.ATTRITION,
    "mv7-outcomes": victims.OUTCOMES,
    "mv8-support": victims.SUPPORT,
    "mr1-reoffending": reoffending.described(),
    "mr4-needs-nps": reoffending.CASELOAD.format(caseload="nps_caseload"),
    "mr4-needs-crc": reoffending.CASELOAD.format(caseload="crc_caseload"),
    "mr5-entrants": reoffending.ENTRANTS,
    "mr7-diverted": reoffending.counted(reoffending.DIVERSIONS),
    "mr7-referrals": reoffending.REFERRALS,
    "mr8-population": reoffending.POPULATION,
    "mr8-movements": reoffending.MOVEMENTS,
}
"""Release → one row a unit, its columns called as the release calls its dimensions and values."""

COHORT = ("prison_movements", "charges", "yos_interventions", "ecins_cases", "nps_caseload", "crc_caseload")
LINKED: Mapping[str, tuple[str, ...]] = {
    "me5-timeliness": ("charges", "cps_completed"),
    "mv5-repeat": ("victims",),
    "mv6-attrition": ("victims", "rj_offers"),
    "mr1-reoffending": COHORT,
    "mr7-diverted": ("charges", "yos_interventions"),
}
"""Release → the datasets whose records are linked into people for it; of others nobody is told apart."""

OF_ITSELF = ("0 DAY", "0 DAY")
READ: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "me5-timeliness": {"cps_completed": OF_ITSELF},
    "mv5-repeat": {"victims": ("365 DAY", "0 DAY")},
    "mv6-attrition": {"victims": OF_ITSELF},
    "mr1-reoffending": {
        "prison_movements": ("1 DAY", "0 DAY"),
        "charges": ("24 MONTH", "18 MONTH"),
        "yos_interventions": ("12 MONTH", "0 DAY"),
        "ecins_cases": ("2 MONTH", "0 DAY"),
        "nps_caseload": ("12 MONTH", "0 DAY"),
        "crc_caseload": ("12 MONTH", "0 DAY"),
    },
    "mr7-diverted": {"charges": ("24 MONTH", "18 MONTH"), "yos_interventions": OF_ITSELF},
}
"""Release → dataset → how long before the edition's first day and after its last the months lie whose extracts are read, as `docs/releases.md` says; of
other datasets every extract is."""
