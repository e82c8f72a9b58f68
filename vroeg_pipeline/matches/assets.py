"""What the month's signals show: reported addresses, repeats, and what is known of earlier months (DOMAIN §7, §8)."""

from collections.abc import Mapping

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.matches.remembered import remember
from vroeg_pipeline.monthly import Figures, Month, made, monthly

GROUP = "matches"


@monthly(
    made(
        "address_matches",
        "An address that two or more different partners report is multiple; a partner and those it took over are "
        "one. Held signals do not count (DOMAIN §7, §10).",
        reads=["validated_signals"],
        group=GROUP,
    )
)
def address_matches(of: Month) -> Mapping[str, Figures]:
    """One row an address."""
    filled = of.fill("address_matches")
    return {"address_matches": {**filled["address_matches"], "kinds": of.counts("address_matches", "match_kind")}}


@monthly(
    made(
        "repeat_signals",
        "A repeat has the same reference at the same address as a signal of the last repeat_months that was picked "
        "up for at least as high an amount (DOMAIN §8).",
        # Both read their own earlier months too. That is not declared: Dagster would split a range of months into runs.
        reads=["address_matches", "validated_signals", "address_register"],
        statements=["moved_addresses", "repeat_signals"],
        group=GROUP,
    ),
    made(
        "recidivism_history",
        "Looks back over the lookback_months before each month and never ahead, so that a month gives the same "
        "answer whenever it is run (DOMAIN §8).",
        reads=["address_matches", "validated_signals", "address_register", "repeat_signals"],
        statements=["moved_addresses", "dwelling_hashes", "remembered_reports", "recidivism_history"],
        group=GROUP,
    ),
)
def recidivism(of: Month) -> Mapping[str, Figures]:
    """Repeats and recidivism, filled together: an address made of repeats alone does not count as reported.

    What is a repeat or a recidivist in a month depends on the months before it, so the oldest goes first.
    """
    define_address_macros(of.connection, of.installation)
    of.step("moved_addresses")
    remember(of.connection, of.installation, of.warn)
    name_earlier_signals(of)
    filled = of.fill("repeat_signals", "recidivism_history")
    marked = "CASE WHEN only_repeats THEN 'only repeats' WHEN possible_new_occupant THEN 'new occupant' END"
    return {
        "repeat_signals": filled["repeat_signals"],
        "recidivism_history": {
            **filled["recidivism_history"],
            "kinds": of.counts("recidivism_history", "recidivism_kind"),
            "marked": of.counts("recidivism_history", marked),
        },
    }


def name_earlier_signals(of: Month) -> None:
    """Signals that an earlier version of this software kept have a surname, and not yet the names that it holds."""
    unnamed = "FROM validated_signals WHERE surnames IS NULL"
    if of.connection.execute(f"{unnamed} LIMIT 1").fetchone():
        of.connection.execute("UPDATE validated_signals SET surnames = surnames_of(surname) WHERE surnames IS NULL")
