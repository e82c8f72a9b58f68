"""What a resident is shown of what is held of them (AVG art. 15, DOMAIN §14): rows, doors, what was told to whom.

Nothing of others: where a door is shared, what came of it as a whole is left out, and of contacts only when and how. Free
texts of teams and the address desk are not shown, as they may name anybody; nor are the names of files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from vroeg_pipeline.ddas.file import ddas_paths
from vroeg_pipeline.domain.fields import DELIVERED_FIELDS
from vroeg_pipeline.domain.months import add_months, amsterdam_day, month_text
from vroeg_pipeline.domain.retention import Kept, kept_from
from vroeg_pipeline.feedback.wording import status_for_partner
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.requests import Identity, Request, all_requests
from vroeg_pipeline.installation.statements import rows_of, sql
from vroeg_pipeline.matches.remembered import use_key

_ROW = "(month, partner, file_sha256, row_number)"
# What can be told of each row besides its own fields.
_FATES = f"""
    SELECT
        own.*, file.received_at, file.delivered_by, file.status AS file_status, file.refusal,
        rejected.reasons, status.ddas_status, status.signal_id,
        repeated.signal_id IS NOT NULL AS is_repeat, kept.signal_id IS NOT NULL AS was_contacted,
        signal.held_reason, signal.on_light_track, signal.desk_id,
        signal.signal_id IS NOT NULL AS is_signal,
        coalesce(signal.signal_id, kept.signal_id, rejected.postcode) IS NOT NULL AS is_told_to_cbs
    FROM own_rows AS own
    LEFT JOIN delivery_files AS file USING (month, partner, file_sha256)
    LEFT JOIN validated_signals AS signal USING {_ROW}
    LEFT JOIN rejected_rows AS rejected USING {_ROW}
    LEFT JOIN contacted_signals AS kept USING {_ROW}
    LEFT JOIN signal_statuses AS status USING {_ROW}
    LEFT JOIN repeat_signals AS repeated ON signal.month = repeated.month AND signal.signal_id = repeated.signal_id
    ORDER BY own.month, file.received_at, own.partner, own.row_number
"""
# In a row of joint names these can be of who stands in it besides.
OF_EITHER = ("surname", "initials", "prefix", "birth_date", "phone", "email", "surnames")
# What was made of a row beside what was delivered.
MADE = (
    "surnames", "address_status", "municipality", "nummeraanduiding_id", "adresseerbaar_object_id", "buurtcode",
)  # fmt: skip


@dataclass(frozen=True)
class ShownRow:
    """A row as it was delivered (texts by field; empty when these were removed) and as it was understood.

    `reasons`: why it was rejected; None when it was not. `partner_told`: what its partner is told of it. Dates are the
    first day on which a part of it is not kept any more. `gone`: by what has a term of its own.
    """

    month: date
    partner: str
    row_number: int
    received_at: datetime | None
    delivered_by: str | None
    file_status: str | None
    refusal: str | None
    delivered: Mapping[str, str]
    understood: Mapping[str, Any]
    reasons: Sequence[str] | None
    held_reason: str | None
    is_joint: bool
    is_signal: bool
    is_repeat: bool
    is_light: bool
    was_contacted: bool
    partner_told: str | None
    told_to_cbs: bool
    asked_at_desk: bool
    decided_at_desk: date | None
    gone: Mapping[Kept, date]


@dataclass(frozen=True)
class ShownDoor:
    """A door of the resident in a month. `entry`: what came of it as a whole; None where it is on no list (`is_listed`), and
    where that tells of others too.

    `issues`: (list, issue, when, added or withdrawn). `contacts`: (day, kind, whether reached, part of the day); where the
    door is shared not who was reached. `result`: how it ended, and when that was told; None where the door is shared.
    """

    month: date
    address_key: str
    is_shared: bool
    is_listed: bool
    entry: Mapping[str, Any] | None
    issues: Sequence[tuple[str, int, datetime, str]]
    contacts: Sequence[tuple[date, str, bool | None, str | None]]
    result: tuple[str, datetime] | None
    checked_if_known: bool
    gone: date


@dataclass(frozen=True)
class Shown:
    """Everything. `files`: how many of each kind hold them. `terms`: months after the end of the signalling month."""

    now: datetime
    rows: Sequence[ShownRow]
    doors: Sequence[ShownDoor]
    history: Sequence[tuple[date, date]]
    requests: Sequence[Request]
    files: Mapping[str, int]
    terms: Mapping[Kept, int]


def what_is_shown(
    connection: duckdb.DuckDBPyConnection, installation: Installation, identities: Sequence[Identity]
) -> Shown:
    """Looks it up; `keep_own` was done before. `identities`: by what the resident is known."""
    now = installation.now()
    today, settings = amsterdam_day(now), installation.settings
    oldest = {kept: kept_from(today, kept, settings.retention, settings.lookback_months) for kept in Kept}
    terms = {kept: 12 * (today.year - since.year) + today.month - since.month for kept, since in oldest.items()}

    def gone(month: date, kept: Kept) -> date:
        return add_months(month, terms[kept] + 1)

    rows = _rows(connection, installation, gone)
    doors = _doors(connection, gone)
    use_key(connection, installation.home)
    history = [(month, gone(month, Kept.HISTORY)) for (month,) in connection.execute(sql("shown_history")).fetchall()]
    requests = [request for request in all_requests(installation.home) if _is_of(request, identities)]
    return Shown(now, rows, doors, history, requests, _files(connection, installation, rows, doors), terms)


def _rows(
    connection: duckdb.DuckDBPyConnection, installation: Installation, gone: Callable[[date, Kept], date]
) -> list[ShownRow]:
    delivered = _by_place(connection, "raw.delivery_rows")
    understood = {
        place: row
        for table in ("rejected_rows", "contacted_signals", "validated_signals")
        for place, row in _by_place(connection, table).items()
    }
    asked = {row["desk_id"] for row in rows_of(connection, "SELECT DISTINCT desk_id FROM address_desk")}
    decided = {
        row["desk_id"]: row["decided_on"]
        for row in rows_of(
            connection, "SELECT desk_id, decided_at::DATE AS decided_on FROM reference.address_overrides"
        )
    }
    partners, told = installation.partners.agreements, {}
    found = []
    for fate in rows_of(connection, _FATES):
        month, partner = fate["month"], fate["partner"]
        place = _place(fate)
        if month not in told:
            told[month] = _is_delivered_to_cbs(installation, month)
        own = understood.get(place, {})
        hidden = OF_EITHER if fate["is_joint"] else ()
        is_rejected = fate["reasons"] is not None
        kept = {
            Kept.FILES: place in delivered,
            Kept.REJECTED: is_rejected,
            Kept.SIGNALS: bool(own) and (not is_rejected or fate["was_contacted"]),
        }
        status = status_for_partner(fate["ddas_status"]) if fate["ddas_status"] and partner in partners else None
        found.append(
            ShownRow(
                month, partner, fate["row_number"], fate["received_at"], fate["delivered_by"], fate["file_status"],
                fate["refusal"],
                _without(delivered.get(place, {}), hidden, DELIVERED_FIELDS),
                _without(own, hidden, (*DELIVERED_FIELDS, *MADE)),
                fate["reasons"], fate["held_reason"], fate["is_joint"], fate["is_signal"], fate["is_repeat"],
                bool(fate["on_light_track"]), fate["was_contacted"], status,
                told[month] and fate["is_told_to_cbs"] and fate["signal_id"] is not None,
                fate["desk_id"] is not None and fate["desk_id"] in asked, decided.get(fate["desk_id"]),
                {each: gone(month, each) for each, is_kept in kept.items() if is_kept},
            )
        )  # fmt: skip
    return found


def _by_place(connection: duckdb.DuckDBPyConnection, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = rows_of(connection, f"SELECT * FROM {table} SEMI JOIN own_rows USING {_ROW}")
    return {_place(row): row for row in found}


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("month", "partner", "file_sha256", "row_number"))


def _without(row: Mapping[str, Any], hidden: Sequence[str], fields: Sequence[str]) -> dict[str, Any]:
    return {
        field: row[field]
        for field in fields
        if field not in hidden and row.get(field) is not None and row[field] not in ("", [])
    }


def _doors(connection: duckdb.DuckDBPyConnection, gone: Callable[[date, Kept], date]) -> list[ShownDoor]:
    issues = rows_of(
        connection,
        "SELECT * FROM worklist_issues SEMI JOIN resident_doors USING (month, address_key) ORDER BY issued_at",
    )
    contacts = rows_of(
        connection,
        "SELECT * FROM contact_attempts SEMI JOIN resident_doors USING (month, address_key) ORDER BY contacted_on, attempt",
    )
    results = {
        (row["month"], row["address_key"]): (row["end_result"], row["reported_at"])
        for row in rows_of(connection, "FROM results_of_addresses SEMI JOIN resident_doors USING (month, address_key)")
    }
    checked = {row["month"] for row in rows_of(connection, "SELECT month FROM known_client_counts WHERE is_linked")}
    found = []
    for door in rows_of(connection, sql("shown_doors")):
        at = (door["month"], door["address_key"])
        since, is_shared = door["own_since"], door["has_others"]
        found.append(
            ShownDoor(
                *at,
                is_shared,
                door["worklist"] is not None,
                door if door["is_own"] and door["worklist"] else None,
                [
                    (row["worklist"], row["issue"], row["issued_at"], row["change"])
                    for row in issues
                    # Before they came the list was of others.
                    if (row["month"], row["address_key"]) == at and (since is None or row["issued_at"] >= since)
                ],
                [
                    (
                        row["contacted_on"], row["contact_kind"], None if is_shared else row["reached"], row["day_part"],
                    )
                    for row in contacts
                    if (row["month"], row["address_key"]) == at
                    and (since is None or row["contacted_on"] >= amsterdam_day(since))
                ],
                None if is_shared else results.get(at),
                door["month"] in checked and door["worklist"] is not None,
                gone(door["month"], Kept.SIGNALS),
            )
        )  # fmt: skip
    return found


def _is_delivered_to_cbs(installation: Installation, month: date) -> bool:
    """Whether there is a delivery of the month, or what CBS is answered from; an answer that is withheld is empty."""
    home = installation.home
    places = (
        *ddas_paths(installation, home.outbox_of(month), [month]).values(),
        home.ddas_answers / f"{month_text(month)}.sqlite",
    )
    return any(path.is_file() and path.stat().st_size > 0 for path in places)


def _is_of(request: Request, identities: Sequence[Identity]) -> bool:
    """Whether it can be of who is known by one of these, as `requested.sql` has it."""
    return any(
        asked.key == own.key
        and (set(asked.names) <= set(own.names) or set(own.names) <= set(asked.names))
        and (asked.birth_date is None or own.birth_date in (None, asked.birth_date))
        for asked in request.identities
        for own in identities
    )


def _files(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    rows: Sequence[ShownRow],
    doors: Sequence[ShownDoor],
) -> Mapping[str, int]:
    """How many files hold them, by kind, of what lies in the installation still."""
    home = installation.home
    delivered = rows_of(
        connection,
        f"SELECT DISTINCT month, partner, file_sha256 FROM raw.delivery_rows SEMI JOIN own_rows USING {_ROW}",
    )
    returned = rows_of(
        connection,
        "SELECT DISTINCT month, file_sha256 FROM outcome_rows SEMI JOIN resident_doors USING (month, case_id) "
        "WHERE is_told",
    )
    issued = {(door.month, worklist, issue) for door in doors for worklist, issue, _, _ in door.issues}
    lists = [
        home.outbox_of(month) / name
        for month, worklist, issue, name in connection.execute(
            "SELECT month, worklist, issue, file_name FROM worklist_files"
        ).fetchall()
        if (month, worklist, issue) in issued
    ]
    told = {(row.month, row.partner) for row in rows if row.partner_told or row.reasons is not None}
    asked = {row.month for row in rows if row.asked_at_desk}
    return {
        "deliveries": len(delivered),
        "worklists": sum(path.exists() for path in lists),
        "returned": len(returned),
        "feedback": sum((home.outbox_of(month) / "partners" / partner).is_dir() for month, partner in told),
        "desk": sum(any(home.outbox_of(month).glob("adresdesk_*")) for month in asked),
        "cbs": len({row.month for row in rows if row.told_to_cbs}),
    }
