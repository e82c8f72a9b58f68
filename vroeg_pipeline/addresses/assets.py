"""What addresses are judged by: the register of dwellings, and the postcode areas that people keep by hand."""

from datetime import timedelta

import dagster as dg

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.addresses.register import load_register
from vroeg_pipeline.installation.progress import progress_in
from vroeg_pipeline.monthly import Figures, Step, kept_by_hand, made, standing

GROUP = "reference"

MUNICIPALITIES = kept_by_hand(
    "municipalities",
    "reference/municipalities.csv: the municipality of a postcode where no register has the address (DOMAIN §5). "
    "Kept by hand.",
)

# The Kadaster makes an extract every month; one that is late by a month is no reason to wait.
_REGISTER_FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=62), warn_window=timedelta(days=35))


@standing(
    made(
        "address_register",
        "Loads the BAG extracts, bag-light.gpkg or addresses.csv of reference/ (the first of these that is there) "
        "when their bytes are new (docs/adr/0012, 0013). One that lost more than register_max_loss of the addresses is "
        "refused, and the one before it stays. Without any there is no register: addresses are keyed by rule and stay "
        "unchecked (DOMAIN §6).",
        table="reference.address_register",
        reads=[],
        group=GROUP,
        kinds=("duckdb", "csv"),
    ).replace_attributes(freshness_policy=_REGISTER_FRESHNESS)
)
def address_register(of: Step) -> Figures:
    """The dwellings that addresses are resolved against."""
    define_address_macros(of.connection, of.installation, today=True)
    register = load_register(
        of.connection,
        of.home,
        of.installation.now(),
        max_loss=of.installation.settings.register_max_loss,
        say=progress_in(of.context.log),
    )
    if register is None:
        of.context.log.warning("No address register in reference/: addresses are keyed by rule and stay unchecked")
        return {"register": "none", "dagster/row_count": 0}
    if register.source.unused:
        unused = ", ".join(path.name for path in register.source.unused)
        of.context.log.info(f"Not used beside {register.source.name}: {unused}")
    if register.said:
        of.context.log.warning(register.said)
    if mended := (register.changes or {}).get("mended"):
        of.context.log.warning(
            f"{register.source.name}: {mended:,} entries had lost the leading zeros of a code, as spreadsheets do; they "
            "are read as 0457 for 457"
        )
    return {
        "register": "refused, the one before it stays" if register.said else "loaded",
        "source": f"{register.source.kind}: {register.source.name}",
        "dagster/row_count": register.dwellings,
        "entries left out (no postcode or certain number, or a key that was there)": register.left_out,
        **{f"changes: {name}": count for name, count in (register.changes or {}).items()},
    }
