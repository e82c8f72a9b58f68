"""What partners deliver: one external asset a partner, and the intake that finds out what really arrived.

The intake logs an arrival as a materialization of the partner's month, so that a month without a usable delivery
stays a hole in the partner's row (docs/adr/0001). How files are judged stands in `deliveries.intake`.
"""

from datetime import date

import dagster as dg
import duckdb

from vroeg_pipeline.deliveries.intake import MonthIntake, clear_leftovers, take_in
from vroeg_pipeline.deliveries.worked_on import content_of_month, note_seen
from vroeg_pipeline.domain.agreements import Agreement, Partners
from vroeg_pipeline.domain.months import AMSTERDAM, longest_waits, month_text
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import (
    ONE_RUN,
    bars,
    counted,
    month_key,
    months_of,
    report,
    row_count,
    table_description,
    table_metadata,
)

GROUP = "deliveries"


def delivery_key(partner: str) -> dg.AssetKey:
    """The asset of a partner's deliveries."""
    return dg.AssetKey(["deliveries", partner])


def delivery_specs(partners: Partners, partitions: dg.PartitionsDefinition) -> list[dg.AssetSpec]:
    """One external asset a partner, from its agreement."""
    return [_delivery_spec(agreement, partitions) for agreement in partners.agreements.values()]


def _delivery_spec(agreement: Agreement, partitions: dg.PartitionsDefinition) -> dg.AssetSpec:
    terms = agreement.delivery
    until = month_text(agreement.valid_until) if agreement.valid_until else "open end"
    lamp = ""
    if not agreement.valid_until:
        # The UI rounds both to a month.
        usual, longest = longest_waits(terms.due_working_day)
        lamp = f" The lamp is yellow {usual.days} days after the last delivery and red after {longest.days} (docs/adr/0011)."
    return dg.AssetSpec(
        delivery_key(agreement.partner),
        description=(
            f"What **{agreement.name}** ({agreement.type}) delivers, by its agreement: a {terms.format} file, due at "
            f"17:00 on working day {terms.due_working_day} of each month, {month_text(agreement.valid_from)} to {until}."
            "\n\nA filled month is a usable delivery that arrived; a hole is a month without one (DOMAIN §4)." + lamp
        ),
        group_name=GROUP,
        partitions_def=partitions,
        owners=[agreement.owner] if agreement.owner else [],
        freshness_policy=_freshness(agreement),
        kinds={terms.format},
        tags={"partner_type": agreement.type.lower().replace(" ", "_"), "stage": GROUP},
        metadata={
            "partner": agreement.name,
            "type": agreement.type,
            "municipalities": ", ".join(agreement.municipalities),
            "succeeds": ", ".join(agreement.succeeds) or "nobody",
            "lowest amount (euro)": float(terms.min_amount),
            "days in arrears": f"{terms.min_days} to {terms.max_days if terms.max_days is not None else 'no limit'}",
            "oldest reference date": f"{terms.max_age_days} days before the due date",
            "expected rows": f"{terms.expected_rows[0]} to {terms.expected_rows[1]}" if terms.expected_rows else "any",
            "confirmation asked": terms.confirmation,
            "agreement": dg.MetadataValue.path(f"agreements/{agreement.partner}.yaml"),
        },
    )


def _freshness(agreement: Agreement) -> dg.FreshnessPolicy | None:
    """The lamp in the UI: yellow when by its habit it should be here again, red when it is surely overdue.

    A lamp knows neither working days nor months: what decides is the check `delivered` (ARCHITECTURE decision 7,
    docs/adr/0011). An agreement with an end has no lamp, as it would burn for ever after.
    """
    if agreement.valid_until:
        return None
    usual, longest = longest_waits(agreement.delivery.due_working_day)
    return dg.FreshnessPolicy.time_window(fail_window=longest, warn_window=usual)


def delivery_files_asset(partners: Partners, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The intake of all partners."""

    @dg.asset(
        name="delivery_files",
        deps=[delivery_key(partner) for partner in partners.agreements],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        kinds={"duckdb", "file"},
        tags={"stage": GROUP},
        description=table_description(
            "delivery_files",
            "Reads the month's folders of the inbox and keeps the bytes of every file in the archive. The newest "
            "usable file of a partner is its delivery; files that cannot be used are refused with a reason, and the "
            "month goes on without them (DOMAIN §4).",
        ),
        metadata=table_metadata("delivery_files"),
    )
    def delivery_files(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        clear_leftovers(installation)
        installation.home.make()
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                # Noted first: what comes while this reads is news to the next look at the inbox.
                content = content_of_month(installation.home, month, installation.settings, installation.now())
                note_seen(installation.home, month, content)
                intake = take_in(connection, installation, month, context.log.warning)
                _log_arrivals(context, connection, installation, month, intake)
                missing = [a.partner for a in installation.partners.owed(month) if a.partner not in intake.accepted]
                report(
                    context,
                    month,
                    {
                        **row_count(len(intake.files)),
                        "accepted": len(intake.accepted),
                        "superseded": sum(f.status == "superseded" for f in intake.files),
                        "refused": sum(f.status == "refused" for f in intake.files),
                        "data rows in accepted deliveries": sum(f.row_count or 0 for f in intake.accepted.values()),
                        "owed but not delivered": ", ".join(missing) or "none",
                        "left alone in the inbox": counted(intake.skipped),
                        "files": _files_table(intake),
                    },
                )
        return dg.MaterializeResult()

    return delivery_files


def _log_arrivals(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    month: date,
    intake: MonthIntake,
) -> None:
    key = month_key(month)
    for partner, file in intake.accepted.items():
        if partner not in intake.changed and key in context.instance.get_materialized_partitions(delivery_key(partner)):
            continue
        due = installation.partners.agreements[partner].due(file.month)
        context.log_event(
            dg.AssetMaterialization(
                delivery_key(partner),
                partition=key,
                metadata={
                    **row_count(file.row_count or 0),
                    "volume": dg.MetadataValue.md(_volume(connection, month, installation.partners.line_of(partner))),
                    "received at": dg.MetadataValue.timestamp(file.received_at),
                    "due at": dg.MetadataValue.timestamp(due),
                    "on time": file.received_at <= due,
                    "size (bytes)": file.size_bytes,
                    "sha256 begins with": file.file_sha256[:12],
                    "latest reference date": str(file.reference_date_max or "none readable"),
                    "agreed columns it lacks": ", ".join(file.missing_optional) or "none",
                    # Only their number: what they are called tells the check columns_as_agreed, where that is safe.
                    "columns not agreed": len(file.unexpected_columns),
                },
            )
        )


def _volume(connection: duckdb.DuckDBPyConnection, month: date, partners: list[str]) -> str:
    """Rows delivered in the last twelve months as bars; of a partner and those it took over."""
    rows = connection.execute(
        """
        SELECT month, sum(row_count)::BIGINT AS delivered, max(delivered) OVER () AS highest
        FROM delivery_files
        WHERE status = 'accepted' AND list_contains($partners, partner)
        AND month > $month::DATE - INTERVAL 12 MONTH AND month <= $month
        GROUP BY month ORDER BY month
        """,
        {"partners": partners, "month": month},
    ).fetchall()
    return bars([(f"{of:%Y-%m}", delivered, highest) for of, delivered, highest in rows])


def _files_table(intake: MonthIntake) -> dg.TableMetadataValue:
    # No file names: a partner may well put a name in one.
    records = [
        dg.TableRecord(
            {
                "partner": file.sender,
                "received": f"{file.received_at.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}",
                "status": file.status,
                "refusal": file.refusal or "",
                "detail": file.detail or "",
                "rows": file.row_count if file.row_count is not None else "",
                "sha256": file.file_sha256[:12],
            }
        )
        for file in intake.files
    ]
    columns = [
        dg.TableColumn(name, "int" if name == "rows" else "string")
        for name in ("partner", "received", "status", "refusal", "detail", "rows", "sha256")
    ]
    return dg.MetadataValue.table(records, dg.TableSchema(columns))
