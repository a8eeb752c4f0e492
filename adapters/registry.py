"""The sources there are. To add one, write its file and add its class here."""

from collections.abc import Mapping

from adapters.cps_cases import CpsCases
from adapters.crc_caseload import CrcCaseload
from adapters.ecins_cases import EcinsCases
from adapters.errors import ConfigError
from adapters.hmcts_trials import HmctsTrials
from adapters.laa_claims import LaaClaims
from adapters.liaison_diversion import LiaisonDiversion
from adapters.national_baseline import NationalBaseline
from adapters.nps_caseload import NpsCaseload
from adapters.police_charges import PoliceCharges
from adapters.police_crimes import PoliceCrimes
from adapters.police_outcomes import PoliceOutcomes
from adapters.police_victims import PoliceVictims
from adapters.prison_movements import PrisonMovements
from adapters.rj_referrals import RjReferrals
from adapters.source import Source
from adapters.vcas_cases import VcasCases
from adapters.victim_survey import VictimSurvey
from adapters.witness_care import WitnessCare
from adapters.yos_interventions import YosInterventions

SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        PoliceCrimes(),
        PoliceOutcomes(),
        PoliceVictims(),
        PoliceCharges(),
        VictimSurvey(),
        CpsCases(),
        HmctsTrials(),
        NpsCaseload(),
        CrcCaseload(),
        PrisonMovements(),
        YosInterventions(),
        VcasCases(),
        WitnessCare(),
        LaaClaims(),
        EcinsCases(),
        LiaisonDiversion(),
        RjReferrals(),
        NationalBaseline(),
    )
}


def find(adapter: str) -> Source:
    """The source that agreements call by this name; ConfigError if this version has none."""
    if adapter not in SOURCES:
        raise ConfigError(
            f"This version of exchange-agency has no adapter “{adapter}”.",
            why=f"It has: {', '.join(SOURCES)}.",
            remedy="Install the version that has it.",
        )
    return SOURCES[adapter]
