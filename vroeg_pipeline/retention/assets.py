"""The asset of what is removed by itself: each day, and never what was not announced a week before (DOMAIN §14)."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import dagster as dg

from vroeg_pipeline.domain.months import amsterdam_day, month_text
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import ANNOUNCED, Announced, Announcement, ToBeRemoved
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import source_of
from vroeg_pipeline.retention.removal import remove_due, what_is_due

GROUP = "retention"
NOTICE = timedelta(days=7)


def may_go(told: Announced, day: date) -> date | None:
    """The Amsterdam day by which terms are counted today (`day`): what was over then was announced long enough ago.

    None before anything was.
    """
    old = [each.day for each in told.announcements if amsterdam_day(each.at) + NOTICE <= day]
    return min(max(old), day) if old else None


def remove_and_announce(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, installation: dg.ResourceParam[Installation]
) -> dg.MaterializeResult[None]:
    """What is over goes if it was announced, and what will be over in a week is announced."""
    now, home = installation.now(), installation.home
    day = amsterdam_day(now)
    told = ANNOUNCED.read(home) or Announced()
    until = may_go(told, day)
    removed = remove_due(warehouse, installation, until) if until else None
    with warehouse.connect() as connection:
        coming = what_is_due(connection, installation, day + NOTICE)
    # Of the older ones the last is all that counts.
    recent = [each for each in told.announcements if amsterdam_day(each.at) + NOTICE > day]
    older = [each for each in told.announcements if each not in recent][-1:]
    ANNOUNCED.write(home, Announced((*older, *recent, Announcement(now, day + NOTICE)), tuple(coming)))
    return dg.MaterializeResult(
        metadata={
            "removed": dg.MetadataValue.md(as_table(removed.due if removed else ())),
            "rows and files removed": sum(each.count for each in removed.due) if removed else 0,
            f"to be removed by {day + NOTICE:%d-%m-%Y}": dg.MetadataValue.md(as_table(coming)),
            "rows and files to be removed": sum(each.count for each in coming),
            "warehouse written anew": removed.rewritten if removed else False,
        }
    )


def as_table(due: Iterable[ToBeRemoved]) -> str:
    """Counts by month, term and place, for the UI."""
    counts: Counter[tuple[date, str, str]] = Counter()
    for each in due:
        counts[each.month, each.kept, each.where] += each.count
    lines = [
        f"| {month_text(month)} | {kept} | {where} | {count:,} |" for (month, kept, where), count in counts.items()
    ]
    return "\n".join(["| month | term | table or folder | |", "|---|---|---|--:|", *lines]) if lines else "nothing"


# The step has another name than its job, as Dagster wants.
retention = dg.multi_asset(
    name="removal",
    specs=[
        dg.AssetSpec(
            "retention",
            group_name=GROUP,
            kinds={"duckdb", "file"},
            tags={"stage": GROUP},
            description="Removes what is not kept any more: files, rows and the bytes of both, a week after it was "
            "announced. What later months must know stays as keyed hashes; a month of which something is removed "
            "is not run again (DOMAIN §14). At once: vroeg retention.",
            metadata=source_of(remove_and_announce),
        )
    ],
)(remove_and_announce)
