"""What addresses are judged by: the register of dwellings, and the tables that people keep by hand."""

import dagster as dg

from vroeg_pipeline.assets.tables import table_description, table_metadata
from vroeg_pipeline.resources.installation import Installation
from vroeg_pipeline.resources.reference import load_register
from vroeg_pipeline.resources.warehouse import WarehouseResource

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
    kinds={"csv"},
    tags={"stage": GROUP},
    description="`reference/known_clients.csv`: addresses that debt services or a wijkteam know already (DOMAIN §9).",
)
TABLES_KEPT_BY_HAND = [AREAS, MUNICIPALITIES, KNOWN_CLIENTS]


@dg.asset(
    key="address_register",
    group_name=GROUP,
    kinds={"duckdb", "csv"},
    tags={"stage": GROUP},
    description=table_description(
        "reference.address_register",
        "Loads `reference/addresses.csv` when its bytes are new. Without that file there is no register: addresses "
        "are keyed by rule and stay unchecked (DOMAIN §6).",
    ),
    metadata=table_metadata("reference.address_register"),
)
def address_register(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, installation: dg.ResourceParam[Installation]
) -> dg.MaterializeResult[None]:
    """The dwellings that addresses are resolved against."""
    with warehouse.connect() as connection:
        installation.define_macros(connection)
        loaded = load_register(connection, installation.home, installation.now())
    if loaded is None:
        context.log.warning("No reference/addresses.csv: addresses are keyed by rule and stay unchecked")
        return dg.MaterializeResult(metadata={"register": "none", "dagster/row_count": 0})
    dwellings, left_out = loaded
    return dg.MaterializeResult(
        metadata={
            "register": "loaded",
            "dagster/row_count": dwellings,
            "rows left out (no postcode or number, or a key that was there)": left_out,
        }
    )
