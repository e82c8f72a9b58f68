"""Who delivered what and when, for everybody who watches: the delivery board."""

import dagster as dg

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import ONE_RUN, months_of
from vroeg_pipeline.quality.board import DeliveryState
from vroeg_pipeline.quality.board_page import MONTHS_SHOWN, board_as_markdown, write_board
from vroeg_pipeline.quality.delivery_register import read_board


def board_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The page of the last twelve months."""

    @dg.asset(
        name="delivery_board",
        deps=["delivery_files", "delivery_measures"],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name="quality",
        kinds={"html"},
        tags={"stage": "quality"},
        description="Partners by months: on time, late, missing, refused, outdated, with moments and row counts; a "
        "succession is one line with a seam (DOMAIN §3, §4). A page in the outbox that needs nothing else; the same as "
        "`vroeg status`.",
    )
    def delivery_board(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with warehouse.connect() as connection:
            board, _ = read_board(connection, installation, MONTHS_SHOWN)
        path = write_board(installation.home, board)
        shown = dg.MetadataValue.md(board_as_markdown(board))
        for month in months_of(context):
            if month in board.months:
                states = [cell.state for line in board.lines for cell in line.cells[month]]
                counts = {state.value: states.count(state) for state in DeliveryState if state in states}
                context.add_asset_metadata(
                    {"board": shown, "page": dg.MetadataValue.path(str(path)), "month": month_text(month), **counts},
                    partition_key=f"{month:%Y-%m-%d}",
                )
        return dg.MaterializeResult()

    return delivery_board
