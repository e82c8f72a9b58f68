"""What addresses are judged by: the register of dwellings, and the tables that people keep by hand."""

from datetime import timedelta

import dagster as dg

from vroeg_pipeline.addresses.register import load_register
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import table_description, table_metadata

GROUP = "reference"

AREAS = dg.AssetSpec(
    "areas",
    group_name=GROUP,
    kinds={"csv"},
    tags={"stage": GROUP},
    description="`reference/areas.csv`: which wijkteam serves which postcodes (DOMAIN §9). Kept by hand.",
)
MUNICIPALITIES = dg.AssetSpec(
    "municipalities",
    group_name=GROUP,
    kinds={"csv"},
    tags={"stage": GROUP},
    description="`reference/municipalities.csv`: the municipality of a postcode where no register has the address "
    "(DOMAIN §5). Kept by hand.",
)
KNOWN_CLIENTS = dg.AssetSpec(
    "known_clients",
    group_name=GROUP,
    kinds={"csv", "postgres"},
    tags={"stage": GROUP},
    description="Addresses that debt services or a wijkteam know already (DOMAIN §9): `reference/known_clients.csv`, or "
    "what `known_clients` in settings.yaml names (docs/adr/0018).",
)
TABLES_KEPT_BY_HAND = [AREAS, MUNICIPALITIES, KNOWN_CLIENTS]


# The Kadaster makes an extract every month; one that is late by a month is no reason to wait.
_REGISTER_FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=62), warn_window=timedelta(days=35))


@dg.asset(
    key="address_register",
    group_name=GROUP,
    kinds={"duckdb", "csv"},
    tags={"stage": GROUP},
    freshness_policy=_REGISTER_FRESHNESS,
    description=table_description(
        "reference.address_register",
        "Loads the BAG extracts, `bag-light.gpkg` or `addresses.csv` of `reference/` (the first of these that is there) "
        "when their bytes are new (docs/adr/0012, 0013). One that lost more than `register_max_loss` of the addresses is "
        "refused, and the one before it stays. Without any there is no register: addresses are keyed by rule and stay "
        "unchecked (DOMAIN §6).",
    ),
    metadata=table_metadata("reference.address_register"),
)
def address_register(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, installation: dg.ResourceParam[Installation]
) -> dg.MaterializeResult[None]:
    """The dwellings that addresses are resolved against."""
    with warehouse.connect() as connection:
        installation.define_macros(connection)
        register = load_register(
            connection,
            installation.home,
            installation.now(),
            max_loss=installation.settings.register_max_loss,
            say=context.log.info,
        )
    if register is None:
        context.log.warning("No address register in reference/: addresses are keyed by rule and stay unchecked")
        return dg.MaterializeResult(metadata={"register": "none", "dagster/row_count": 0})
    if register.source.unused:
        context.log.info(f"Not used beside {register.source.name}: {', '.join(p.name for p in register.source.unused)}")
    if register.said:
        context.log.warning(register.said)
    return dg.MaterializeResult(
        metadata={
            "register": "refused, the one before it stays" if register.said else "loaded",
            "source": f"{register.source.kind}: {register.source.name}",
            "dagster/row_count": register.dwellings,
            "entries left out (no postcode or number, or a key that was there)": register.left_out,
            **{f"changes: {name}": count for name, count in (register.changes or {}).items()},
        }
    )
