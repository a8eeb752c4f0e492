"""Windows of a cohort: the whole months, quarters or years of an edition, and which days of each dataset must be read for them."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agreements.cohort import Cohort
from agreements.periods import Duration, Period, PeriodKind, months
from agreements.release import Release
from exchange.releases.errors import BadRelease


@dataclass(frozen=True)
class Around:
    """How far from its windows a dataset is read: the furthest of these back from the first day, and on from the last.

    ``known``: as far back, for what is said of people if it is known; a gap there is no error.
    """

    before: tuple[Duration, ...] = ()
    after: tuple[Duration, ...] = ()
    known: tuple[Duration, ...] = ()


Reach = Mapping[str, Around]
"""Dataset → how far beyond the windows themselves a cohort looks in it."""


def windows(release: Release, periods: Sequence[Period]) -> list[Period]:
    """The windows that the months of ``periods`` make up, in order, each once; ``name`` is their code: 2025-03, 2025-Q1 or 2025.

    Raises:
        BadRelease: the release counts no cohort, a period is a day or there is none, or a window would be covered in part.
    """
    if release.cohort is None:
        raise BadRelease(f"release {release.name}: it counts no cohort, and has no windows.")
    if not periods or any(period.kind is PeriodKind.DAY for period in periods):
        raise BadRelease("an edition covers one or more whole months, quarters or years.")
    covered = {month.name for period in periods for month in months(period, period)}
    found = {_around(Period.parse(month), release.cohort.window) for month in covered}
    if any(month.name not in covered for window in found for month in months(window, window)):
        raise BadRelease(
            f"release {release.name}: an edition covers whole windows, and each is a {release.cohort.window}: ask for all of it."
        )
    return sorted(found)


def reach(cohort: Cohort) -> Reach:
    """How far each dataset is read: entries in the windows, events after or before them, attributes before; proof as long as it may take."""
    return {name: _reach(cohort, name) for name in cohort.datasets}


def _reach(cohort: Cohort, dataset: str) -> Around:
    events = [event for event in cohort.events if event.dataset == dataset]
    back = [event.within for event in events if event.before]
    known = [attribute.within for attribute in cohort.attributes if attribute.dataset == dataset]
    onward = [within for event in events if not event.before for within in (event.within, event.proven_within) if within is not None]
    return Around(tuple(back), tuple(onward), tuple(known))


Days = tuple[date, date]
"""The first and the last of some days."""


def reading(release: Release, periods: Sequence[Period]) -> dict[str, Days]:
    """Dataset → the days of which it is read for an edition of these periods, in the order of ``release.datasets``. BadRelease as for :func:`windows`."""
    return {name: _days(release, periods, name, known=True) for name in release.datasets}


def needed(release: Release, periods: Sequence[Period]) -> dict[str, Days]:
    """The same of what must be complete: people come in by it, or its absence counts as that nothing happened."""
    around = reach(release.cohort) if release.cohort else {}
    mine = [name for name in release.datasets if name in release.counted or around[name].before or around[name].after]
    return {name: _days(release, periods, name, known=False) for name in mine}


def _days(release: Release, periods: Sequence[Period], dataset: str, *, known: bool) -> Days:
    mine = windows(release, periods)
    first, last = mine[0].start, mine[-1].end
    around = reach(release.cohort)[dataset] if release.cohort else Around()
    back = (*around.before, *(around.known if known else ()))
    return min([first, *(before(within, first) for within in back)]), max([last, *(within.after(last) for within in around.after)])


def before(within: Duration, day: date) -> date:
    """The day this long before ``day``: ``Duration.after`` read backwards. The 31st becomes the month's last day where there is none; time begins with 1."""
    year, month = divmod(day.year * 12 + day.month - 1 - within.months, 12)
    if year < date.min.year:
        return date.min
    start = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    return start - min(timedelta(days=within.days), start - date.min)


def _around(month: Period, kind: PeriodKind) -> Period:
    """The window that holds a month."""
    year = f"{month.start.year:04d}"
    names = {PeriodKind.MONTH: month.name, PeriodKind.QUARTER: f"{year}-Q{(month.start.month + 2) // 3}", PeriodKind.YEAR: year}
    return Period.parse(names[kind])
