"""What partners deliver: one external asset a partner, and the intake that finds out what really arrived.

The intake logs an arrival as a materialization of the partner's month, so that a month without a usable delivery
stays a hole in the partner's row (docs/adr/0001). How files are judged stands in `deliveries.judged_files`.
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from vroeg_pipeline.deliveries.intake import MonthIntake, take_in
from vroeg_pipeline.deliveries.judged_files import DeliveryFile
from vroeg_pipeline.deliveries.worked_on import content_of_month, note_seen
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.months import AMSTERDAM, longest_waits, month_text
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.installation.home import clear_leftovers
from vroeg_pipeline.installation.town import town_of
from vroeg_pipeline.monthly import Figures, Month, bars, counted, kept_by_hand, made, month_key, monthly, row_count

GROUP = "deliveries"

AGREEMENTS = kept_by_hand(
    "agreements",
    "agreements/‹partner›.yaml and settings.yaml: who delivers what, how and by when (DOMAIN §4, §13). Kept by hand.",
    kinds=("yaml",),
)


def delivery_key(partner: str) -> dg.AssetKey:
    """The asset of a partner's deliveries."""
    return dg.AssetKey(["deliveries", partner])


def _delivery_spec(agreement: Agreement) -> dg.AssetSpec:
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
            f"What {agreement.name} ({agreement.type}) delivers, by its agreement: a {terms.format} file, due at "
            f"17:00 on working day {terms.due_working_day} of each month, {month_text(agreement.valid_from)} to {until}."
            "\n\nA filled month is a usable delivery that arrived; a hole is a month without one (DOMAIN §4)." + lamp
        ),
        group_name=GROUP,
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
            "files that add": terms.additions or "none",
            "delivered by": agreement.delivered_by or "itself",
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


@monthly(
    made(
        "delivery_files",
        "Reads the month's folders of the inbox and keeps the bytes of every file in the archive. The newest usable "
        "file of a partner and all that add to it are its delivery; one that lost people waits for somebody to decide; "
        "files that cannot be used are refused with a reason, and the month goes on without them (DOMAIN §4).",
        # What partners deliver; which partners there are is known to the agreements (`of_partners`).
        reads=[],
        statements=[],
        group=GROUP,
        kinds=("duckdb", "file"),
    )
)
def delivery_files(of: Month) -> Mapping[str, Figures]:
    """The intake of all partners."""
    clear_leftovers(of.home)
    of.home.make()
    # Noted first: what comes while this reads is news to the next look at the inbox.
    note_seen(of.home, of.month, content_of_month(of.installation, of.month))
    intake = take_in(of.connection, of.installation, of.month, of.context.log.warning)
    _log_arrivals(of, intake)
    agreements = of.installation.partners.agreements
    missing = [partner for partner, agreement in agreements.items() if intake.of(agreement, of.month).is_open]
    return {
        "delivery_files": {
            **row_count(len(intake.files)),
            "accepted": sum(map(len, intake.accepted.values())),
            "superseded": sum(f.status == "superseded" for f in intake.files),
            "questioned": sum(f.status == "questioned" for f in intake.files),
            "refused": sum(f.status == "refused" for f in intake.files),
            "data rows in accepted deliveries": sum(
                f.row_count or 0 for of_one in intake.accepted.values() for f in of_one
            ),
            "rows of residents who were erased": sum(file.erased_count or 0 for file in intake.files),
            "rows of unknown partners in files of senders": counted(intake.unknown_rows),
            "owed but not delivered": ", ".join(missing) or "none",
            "left alone in the inbox": counted(intake.skipped),
            "files": _files_table(intake),
        }
    }


def of_partners(partners: Partners) -> Sequence[dg.AssetSpec | dg.AssetsDefinition]:
    """The assets of this room with those that the agreements ask for: an external one a partner."""
    keys = [delivery_key(partner) for partner in partners.agreements]
    (intake,) = dg.map_asset_specs(lambda spec: spec.replace_attributes(deps=[AGREEMENTS, *keys]), [delivery_files])
    return [*(_delivery_spec(agreement) for agreement in partners.agreements.values()), intake]


def _log_arrivals(of: Month, intake: MonthIntake) -> None:
    key, installation, town = month_key(of.month), of.installation, town_of(of.home)
    for partner, files in intake.accepted.items():
        if partner not in intake.changed and key in of.context.instance.get_materialized_partitions(
            town.key(delivery_key(partner))
        ):
            continue
        partner_month = intake.of(installation.partners.agreements[partner], of.month)
        shown = {
            # All files together, as the month is theirs; the last event tells of all of them.
            **row_count(partner_month.row_count),
            "volume": dg.MetadataValue.md(_volume(of, installation.partners.line_of(partner))),
            "files": _accepted_table(files),
            "due at": dg.MetadataValue.timestamp(partner_month.due),
            "delivered": not partner_month.is_open,
            "on time": bool(partner_month.usable) and not partner_month.is_late,
        }
        # Where one is not accepted any more nothing came, and the event tells what is left.
        came = [file for file in files if file.file_sha256 not in intake.before.get(partner, ())] or files[-1:]
        for file in came:
            of.context.log_event(
                dg.AssetMaterialization(
                    town.key(delivery_key(partner)),
                    partition=key,
                    metadata={
                        **shown,
                        "rows of this file": file.row_count or 0,
                        "adds to the delivery": file.is_addition,
                        "received at": dg.MetadataValue.timestamp(file.received_at),
                        "size (bytes)": file.size_bytes,
                        "sha256 begins with": file.file_sha256[:12],
                        "latest reference date": str(file.reference_date_max or "none readable"),
                        "agreed columns it lacks": ", ".join(file.missing_optional) or "none",
                        # Only their number: what they are called tells the check columns_as_agreed, where that is safe.
                        "columns not agreed": len(file.unexpected_columns),
                    },
                )
            )


def _accepted_table(files: Sequence[DeliveryFile]) -> dg.TableMetadataValue:
    """The files of a partner whose rows count."""
    records = [
        dg.TableRecord(
            {
                "received": f"{file.received_at.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}",
                "adds": "yes" if file.is_addition else "no",
                "rows": file.row_count or 0,
                "sha256": file.file_sha256[:12],
            }
        )
        for file in files
    ]
    kinds = {"received": "string", "adds": "string", "rows": "int", "sha256": "string"}
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(*column) for column in kinds.items()]))


def _volume(of: Month, partners: list[str]) -> str:
    """Rows delivered in the last twelve months as bars; of a partner and those it took over."""
    rows = of.connection.execute(
        """
        SELECT month, sum(row_count)::BIGINT AS delivered, max(delivered) OVER () AS highest
        FROM delivery_files
        WHERE status = 'accepted' AND list_contains($partners, partner)
        AND month > getvariable('month') - INTERVAL 12 MONTH AND month <= getvariable('month')
        GROUP BY month ORDER BY month
        """,
        {"partners": partners},
    ).fetchall()
    return bars([(f"{month:%Y-%m}", delivered, highest) for month, delivered, highest in rows])


def _files_table(intake: MonthIntake) -> dg.TableMetadataValue:
    # No file names: a partner may well put a name in one.
    records = [
        dg.TableRecord(
            {
                "partner": file.shown_as,
                "in the file of": file.delivered_by or "",
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
        for name in ("partner", "in the file of", "received", "status", "refusal", "detail", "rows", "sha256")
    ]
    return dg.MetadataValue.table(records, dg.TableSchema(columns))
