"""The pipeline's own SQL and reading for one month, without Dagster, checks and worklist files.

Calls what the assets call, so that what a run takes beyond this is Dagster, checks and files.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.addresses.register import load_register
from vroeg_pipeline.deliveries.intake import take_in
from vroeg_pipeline.deliveries.slips import load_slips
from vroeg_pipeline.domain.months import parse_month
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import insert_rows, sql, transaction
from vroeg_pipeline.installation.warehouse import WarehouseResource, replace_month
from vroeg_pipeline.matches.remembered import remember
from vroeg_pipeline.monthly import months_at_work
from vroeg_pipeline.signals.row_verdicts import judge_delivered_rows
from vroeg_pipeline.worklists.routing import set_routing


def run_stages(home: Home, month_text: str) -> dict[str, float]:
    """Seconds by stage."""
    month = parse_month(month_text)
    installation = Installation.load(home)
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[stage] = time.perf_counter() - started

    with months_at_work(WarehouseResource(home=str(home.root)), installation, [month]) as months:
        for of in months:
            connection = of.connection
            define_address_macros(connection, installation)
            with timed("address_register"):
                load_register(connection, home, installation.now())
            with timed("delivery_files"):
                take_in(connection, installation, month, print)
            with timed("signals"):
                load_slips(connection, installation, month)
                judge_delivered_rows(connection, home)
                replace_month(connection, {t: sql(t) for t in ("validated_signals", "rejected_rows")})
                connection.execute("DROP TABLE row_verdicts")
            with timed("address_matches"):
                replace_month(connection, {"address_matches": sql("address_matches")})
            with timed("recidivism"):
                connection.execute(f"CREATE OR REPLACE TEMP TABLE moved_addresses AS {sql('moved_addresses')}")
                remember(connection, installation)
                replace_month(connection, {t: sql(t) for t in ("repeat_signals", "recidivism_history")})
            with timed("prioritised_worklists"):
                set_routing(connection, installation)
                replace_month(connection, {t: sql(t) for t in ("prioritised_worklists", "known_client_counts")})
            with timed("worklist_issues"), transaction(connection):
                insert_rows(connection, "worklist_issues", sql("worklist_issues"))
    return seconds


if __name__ == "__main__":
    print(json.dumps(run_stages(Home(Path(sys.argv[1])), sys.argv[2])))
