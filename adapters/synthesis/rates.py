"""Every rate of the invented partnership, and where it is from. “Plan”: the partnership's plan for 2018 to 2021 (``docs/synthesis.md``).

Rates are of processes: how often a listed trial goes ahead, not how many did. Monthly numbers are at scale 1. Pairs are Cleveland, Durham.
"""

from collections.abc import Mapping

FORCES = ("cleveland-police", "durham-constabulary")
POPULATION = 1_190_000  # of the six authorities, roughly: what --people is a share of

# The six authorities: share of the force's events.
AUTHORITIES = ("Hartlepool", "Middlesbrough", "Redcar and Cleveland", "Stockton-on-Tees", "County Durham", "Darlington")
AUTHORITY_SHARES = ((0.17, 0.32, 0.22, 0.29, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.8, 0.2))
CLEVELAND_SHARE = 0.54

CRIMES = 15_000  # recorded crimes of both forces
NUISANCE = 3_500  # anti-social behaviour, which police.uk publishes beside crimes and without an id

# Offenders -----------------------------------------------------------------------------------------------------------------
NEW_OFFENDERS = 1_640
MALE_OFFENDERS = 0.82
AGES = ((10, 17, 0.09), (18, 25, 0.27), (26, 40, 0.40), (41, 75, 0.24))  # from, to, share
CHARGED = 0.76
CO_DEFENDANTS = 0.05  # defendants who join another's case
OUT_OF_COURT: Mapping[bool, Mapping[str, float]] = {  # young or not → disposal
    False: {"CAUTION": 0.50, "CONDITIONAL_CAUTION": 0.14, "COMMUNITY_RESOLUTION": 0.26, "PENALTY_NOTICE": 0.08, "DEFERRED": 0.02},
    True: {"YOUTH_CAUTION": 0.50, "CONDITIONAL_CAUTION": 0.15, "COMMUNITY_RESOLUTION": 0.35},
}
TO_CROWN = 0.16
ADMINISTRATIVE = 0.015  # of magistrates' defendants who do not go to trial: a warrant ends the matter on paper
IN_ABSENCE = 0.09
DROPPED = 0.12  # discontinued or withdrawn before any trial
TO_TRIAL = (0.126, 0.230)  # magistrates' courts, Crown Court: makes about 225 and 73 listings a month (plan, May 2017)

# A trial listed: effective, cracked, ineffective; the plan gives the first for May 2017.
COURTS = ("B17JA", "B11JP", "B11KF", "B11EI", "C17TE", "C11DU")
MAGISTRATES = (94 / 225, 0.40)
TEESSIDE_CROWN = (24 / 53, 0.33)
DURHAM_CROWN = (11 / 20, 0.28)
VACATED = 0.20  # of all listings; taken out before the day and listed again
CONVICTED_AT_TRIAL = 0.60
PLEA_AT_CRACK = 0.66
FIRST_HEARING_PLEAS = (0.69, 0.679)  # of defendants who plead guilty in magistrates' courts (plan, May 2017)
VICTIM_OR_WITNESS = (0.289, 0.355)  # of unsuccessful outcomes (plan)
VIDEO_LINK = 0.07
UNSAID = 0.003  # of listings, whose result the court never entered

# Reoffending: chance of one more episode within a year of a caution, a sentence served in the community or a release. Together with the chance that
# it is proven within 18 months of that day they give 24.8 % (plan: October 2014 to September 2015).
AGAIN: Mapping[str, float] = {
    "CUSTODY": 0.507,
    "SUSPENDED": 0.323,
    "COMMUNITY": 0.368,
    "REFERRAL": 0.359,
    "FINE": 0.274,
    "DISCHARGE": 0.283,
    "OTHER": 0.274,
    "CAUTION": 0.22,
    "DIVERTED": 0.20,
}
SOON = 170.0  # days: how fast the hazard of reoffending falls
DOMESTIC = 0.36  # of offences of violence, and of their victims
HATE = 0.015
OF_CHILDREN = 0.3  # of sexual offences
MENTAL_HEALTH = 0.06  # of offences, and of victims
BREACH = 0.25  # of those who come back, also charged with a breach of their order

SENTENCES: Mapping[str, Mapping[str, float]] = {
    "magistrates": {"CUSTODY": 0.11, "SUSPENDED": 0.08, "COMMUNITY": 0.20, "FINE": 0.43, "DISCHARGE": 0.12, "OTHER": 0.06},
    "youth": {"REFERRAL": 0.46, "COMMUNITY": 0.29, "CUSTODY": 0.05, "DISCHARGE": 0.14, "OTHER": 0.06},
    "crown": {"CUSTODY": 0.52, "SUSPENDED": 0.27, "COMMUNITY": 0.14, "FINE": 0.03, "DISCHARGE": 0.02, "OTHER": 0.02},
}
REMANDED = (0.05, 0.35)  # magistrates' courts, Crown Court
LONG_SENTENCES = 1_300  # people already in prison on the first day

# Victims and witnesses ---------------------------------------------------------------------------------------------------
REPEAT_VICTIM = 0.17
REPEAT_AFTER = 75.0  # days, the median
SAME_INCIDENT = 0.03
SECOND_VICTIM = 0.05
OFFENDER_TOO = 0.04  # of victims
ASSESSMENTS = 3_924 / 12  # by the Victim Care and Advice Service, in its first year (plan)
SURVEYED = (170, 130)
RESPONDS = 0.45
SATISFIED = (0.83, 0.87)  # completely, very or fairly, 2016-17 (plan)
OFFERS = 110  # of restorative justice
WOULD_AGAIN = 0.55  # attend court (plan; it also says the contrary)
ASKED = 0.4
LEGAL_AID = 0.42
SPECIAL_MEASURES = 0.3
LIAISON = 0.12
RECOVERY = 0.09
IOM = 0.14  # of people who come back a second time

# What agencies' records are like: share of records, by field. How each agency writes people down stands in recorded.py.
MISSING_LSOA = 0.01
UNKNOWN_CASE = 0.02  # of legal aid claims
UNKNOWN_CRIME = 0.08  # of cases of the Victim Care and Advice Service
NOT_ASKED = 0.05  # of needs at the opening, and again at the closing
