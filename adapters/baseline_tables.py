"""The published files that `national_baseline` knows: told by their headers, each with its own reading.

Nothing here is about a person. A file that is not listed is refused: what its numbers mean cannot be guessed. Whatever a file does not say
itself (its year, its area, the version of its definition) is said here, from the publication it was taken from.
"""

from datetime import date

from adapters.baseline_files import Published, Series, financial_quarter, month, on_day, quarter_ending, year_ending

_ENGLAND_AND_WALES = "England and Wales"
_COURTS = "moj-criminal-court-statistics-quarterly 2025-Q4, quarters on a restated basis"
_END_2025 = ("2025-12-31", date(2025, 12, 31), date(2025, 12, 31))
_END_2024 = ("2024-12-31", date(2024, 12, 31), date(2024, 12, 31))
_YEAR_2025 = ("2025", date(2025, 1, 1), date(2025, 12, 31))
_YEAR_2018 = ("2018", date(2018, 1, 1), date(2018, 12, 31))
_QUARTER = ("quarter_end",)
_QUARTER_TWICE = ("year", "quarter")  # say again what quarter_end says

_STEPS = (
    "offence_to_charge",
    "charge_to_first_listing",
    "first_listing_to_completion_at_magistrates_court",
    "sending_to_crown_court_to_main_hearing",
    "main_hearing_to_completion",
    "offence_to_completion",
)
_CPS_OFFENCES = (
    "Homicide",
    "Offences Against The Person",
    "Sexual Offences",
    "Burglary",
    "Robbery",
    "Theft And Handling",
    "Fraud And Forgery",
    "Criminal Damage",
    "Drugs Offences",
    "Public Order Offences",
    "All Other Offences (excluding Motoring)",
    "Motoring Offences",
)


def _cps() -> tuple[Series, ...]:
    """Number and percentage of convictions and unsuccessful outcomes, of each principal offence.

    The publisher's header of the last column says “L Motoring Offences”: it stands beside the cases finalised administratively, and is theirs.
    """
    by_offence = (
        Series(f"{word} of {offence} {outcome}", f"CPS outcomes: {outcome.lower()}", unit, offence)
        for offence in _CPS_OFFENCES
        for outcome in ("Convictions", "Unsuccessful")
        for word, unit in (("Number", "defendants"), ("Percentage", "percent"))
    )
    measure, category = "CPS outcomes: unsuccessful", "Finalised administratively"
    return (
        *by_offence,
        Series("Number of Admin Finalised Unsuccessful", measure, "defendants", category),
        Series("Percentage of L Motoring Offences Unsuccessful", measure, "percent", category),
    )


PUBLISHED = (
    Published(
        key="moj-proven-reoffending",
        definition="moj-proven-reoffending-statistics 2017-Q3",
        series=(Series("proportion", "proven reoffending: reoffenders ÷ cohort", "proportion"),),
        fixed_area=_ENGLAND_AND_WALES,
        categories=("age", "index_offence"),
        period=("year_ending",),
        read_period=year_ending,
        # From October to December 2015 the Ministry measures quarterly cohorts from another extract; this year is the first to hold one.
        breaks=frozenset({date(2015, 4, 1)}),
    ),
    Published(
        key="moj-timeliness-by-offence",
        definition="moj-criminal-court-statistics-quarterly 2019-Q3, time_offence_tool",
        series=(
            Series("defendants", "defendants completed at the Crown Court", "defendants", period=_YEAR_2018),
            *(
                Series(f"{average}_{step}_days", f"{average} days, {step.replace('_', ' ')}", "days", period=_YEAR_2018)
                for average in ("mean", "median")
                for step in _STEPS
            ),
        ),
        fixed_area=_ENGLAND_AND_WALES,
        categories=("offence",),
    ),
    Published(
        key="moj-crown-court-backlog-by-court",
        definition=_COURTS,
        series=(
            Series("open_latest", "Crown Court cases open", "cases", period=_END_2025),
            Series("open_year_ago", "Crown Court cases open", "cases", period=_END_2024),
        ),
        area="court",
        area_kind="court",
        categories=("region",),
        ignored=("change", "pct_change"),  # made from the two figures before them
    ),
    Published(
        key="moj-crown-court-backlog-ratio",
        definition=_COURTS,
        series=(
            Series("open_latest", "Crown Court cases open", "cases", period=_END_2025),
            Series("annual_disposals", "Crown Court disposals", "cases", period=_YEAR_2025),
        ),
        area="court",
        area_kind="court",
        categories=("region",),
        ignored=("years_of_backlog",),
    ),
    Published(
        key="moj-crown-court-backlog",
        definition=_COURTS,
        series=(
            Series("disposals", "Crown Court disposals", "cases"),
            Series("open", "Crown Court cases open at the end", "cases"),
            Series("receipts", "Crown Court receipts", "cases"),
        ),
        fixed_area=_ENGLAND_AND_WALES,
        period=_QUARTER,
        read_period=quarter_ending,
        ignored=(*_QUARTER_TWICE, "net_flow"),
    ),
    Published(
        key="moj-crown-court-caseload-age",
        definition=_COURTS,
        series=(Series("count", "Crown Court caseload open at the end, by age", "cases or defendants"),),
        fixed_area=_ENGLAND_AND_WALES,
        categories=("age_band",),
        period=_QUARTER,
        read_period=quarter_ending,
        ignored=(*_QUARTER_TWICE, "age_order"),
    ),
    Published(
        key="moj-crown-court-timeliness-by-region",
        definition=_COURTS,
        series=(
            Series("offence_to_completion_median", "median days, offence to completion", "days"),
            Series("offence_to_completion_mean", "mean days, offence to completion", "days"),
        ),
        area="region",
        area_kind="region",
        kinds={_ENGLAND_AND_WALES: "nation", "Wales": "nation"},
        period=_QUARTER,
        read_period=quarter_ending,
        ignored=(*_QUARTER_TWICE, "geo_level"),
    ),
    Published(
        key="moj-crown-court-timeliness",
        definition=_COURTS,
        series=tuple(
            Series(f"{step}_{average}", f"{average} days, {step.replace('_', ' ')}", "days")
            for step in ("offence_to_completion", "charge_to_completion_at_the_crown_court")
            for average in ("mean", "median")
        ),
        fixed_area=_ENGLAND_AND_WALES,
        period=_QUARTER,
        read_period=quarter_ending,
        ignored=_QUARTER_TWICE,
    ),
    Published(
        key="moj-prison-population",
        definition="moj-offender-management-statistics-quarterly, population",
        series=(Series("count", "prison population", "people"),),
        fixed_area=_ENGLAND_AND_WALES,
        categories=("offence", "sex"),
        period=("quarter_ending",),
        read_period=on_day,
    ),
    Published(
        key="cps-outcomes-by-principal-offence",
        definition="cps-case-outcomes-by-principal-offence-category, monthly 2014 to 2016",
        series=_cps(),
        area="cps_area",
        area_kind="police area",
        kinds={"National": "nation"},
        period=("month",),
        read_period=month,
    ),
    Published(
        key="home-office-outcomes",
        definition="home-office-prc-outcomes-open-data 2018/19, tables of March 2019",
        series=(
            Series("force_outcomes_for_offences_recorded_in_quarter", "outcomes of offences recorded in the quarter", "outcomes"),
            Series("force_outcomes_recorded_in_quarter", "outcomes recorded in the quarter", "outcomes"),
        ),
        area="force_name",
        area_kind="police area",
        categories=("offence_code", "outcome_type"),
        period=("financial_year", "financial_quarter"),
        read_period=financial_quarter,
        ignored=(
            "offence_description",
            "offence_group",
            "offence_subgroup",
            "offence_code_expired",
            "outcome_description",
            "outcome_group",
        ),
    ),
    Published(
        key="moj-proven-reoffending-table",
        definition="moj-proven-reoffending, method of October 2017",
        series=(
            Series("Offenders in cohort", "proven reoffending: cohort", "people"),
            Series("Reoffenders", "proven reoffending: reoffenders", "people"),
            Series("Reoffending rate (%)", "proven reoffending: reoffenders ÷ cohort", "percent"),
            Series("Reoffences per reoffender", "proven reoffending: reoffences ÷ reoffenders", "reoffences"),
        ),
        area="Area",
        area_kind="police area",
        kinds={_ENGLAND_AND_WALES: "nation", "North East": "region"},
        categories=("Age group",),
        period=("Cohort year ending",),
        read_period=year_ending,
        ignored=("Notes",),
    ),
)
