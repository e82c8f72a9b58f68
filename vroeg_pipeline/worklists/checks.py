"""What must hold of worklists and their issues after every run: nobody is lost, teams know their list (DOMAIN §9)."""

import dagster as dg

from vroeg_pipeline.monthly import Found, Month, MonthCheck, keys_are_unique, observed
from vroeg_pipeline.worklists.known_clients import known_clients_told, strange_statuses


def _known_clients(of: Month) -> Found:
    linked = of.connection.execute(
        "SELECT is_usable, found_count / nullif(read_count, 0) FROM known_client_counts "
        "WHERE month = getvariable('month') AND is_linked"
    ).fetchone()
    if linked is None:
        return Found(None, {})
    is_usable, share = linked
    said = f"most known clients have no address ({known_clients_told(of.connection)}): mend the source, see docs/readings.md"
    return Found(None if is_usable else said, observed("share that is found", share or 0.0, at_least=0.5))


CHECKS = [
    MonthCheck(
        "prioritised_worklists",
        "no_address_on_two_lists",
        "An address is on one list at most (DOMAIN §9).",
        "SELECT count(*) FROM (SELECT 1 FROM prioritised_worklists WHERE month = getvariable('month') "
        "GROUP BY address_key HAVING count(*) > 1)",
        blocking=True,
    ),
    MonthCheck(
        "prioritised_worklists",
        "nobody_is_lost",
        "Every reported address is on a list, unless it has nothing but repeats (DOMAIN §8, §9).",
        """
        SELECT count(*)
        FROM (SELECT address_key FROM recidivism_history WHERE month = getvariable('month') AND NOT only_repeats) AS reported
        FULL JOIN (SELECT address_key FROM prioritised_worklists WHERE month = getvariable('month')) AS listed
            USING (address_key)
        WHERE reported.address_key IS NULL OR listed.address_key IS NULL
        """,
        blocking=True,
    ),
    MonthCheck(
        "prioritised_worklists",
        "ranks_without_gaps",
        "The ranks of each list run from 1 without gaps (DOMAIN §9).",
        """
        SELECT count(*) FROM (
            SELECT worklist FROM prioritised_worklists WHERE month = getvariable('month') GROUP BY worklist
            HAVING min(rank) <> 1 OR max(rank) <> count(*) OR count(DISTINCT rank) <> count(*)
        )
        """,
        blocking=True,
    ),
    MonthCheck(
        "prioritised_worklists",
        "no_empty_priority",
        "Every entry has a tier, an action, a deadline and an explanation (DOMAIN §9, §12).",
        "SELECT count(*) FROM prioritised_worklists WHERE month = getvariable('month') AND (tier IS NULL OR tier_name "
        "IS NULL OR action IS NULL OR deadline IS NULL OR trim(coalesce(explanation, '')) = '')",
        blocking=True,
    ),
    MonthCheck(
        "prioritised_worklists",
        "known_clients_are_found",
        "Most of the known clients, if a source of them is linked, have an address that is certain; else nobody counts as "
        "unknown before (DOMAIN §9).",
        _known_clients,
        severity=dg.AssetCheckSeverity.WARN,
    ),
    MonthCheck(
        "prioritised_worklists",
        "known_clients_have_a_status",
        "The status of a known client is lopend or afgerond; with another one it counts as lopend (DOMAIN §9).",
        lambda of: strange_statuses(of.connection),
        severity=dg.AssetCheckSeverity.WARN,
    ),
    MonthCheck(
        "prioritised_worklists",
        "no_list_holds_two_municipalities",
        "Where municipalities are separate, each list has the addresses of one alone (settings, separate_municipalities).",
        """
        SELECT count(*)
        FROM prioritised_worklists AS entry INNER JOIN address_matches AS match USING (month, address_key)
        WHERE month = getvariable('month') AND NOT starts_with(entry.worklist, match.for_municipality || '_')
        """,
        blocking=True,
    ),
    keys_are_unique("worklist_issues", "worklist", "issue", "address_key"),
    MonthCheck(
        "worklist_issues",
        "teams_know_their_list",
        "All issues of a list together give the list as it stands (DOMAIN §9).",
        """
        SELECT count(*)
        FROM (
            SELECT worklist, address_key FROM worklist_issues WHERE month = getvariable('month')
            GROUP BY ALL HAVING arg_max(change, issue) = 'added'
        ) AS told
        FULL JOIN (SELECT worklist, address_key FROM prioritised_worklists WHERE month = getvariable('month')) AS listed
            USING (worklist, address_key)
        WHERE told.worklist IS NULL OR listed.worklist IS NULL
        """,
    ),
    MonthCheck(
        "worklist_files",
        "every_issue_is_written",
        "Each issue, but those of the address desk, lies in the outbox as one file (DOMAIN §9).",
        """
        SELECT count(*)
        FROM (SELECT DISTINCT worklist, issue FROM worklist_issues WHERE month = getvariable('month')) AS issued
        FULL JOIN (SELECT worklist, issue FROM worklist_files WHERE month = getvariable('month')) AS written
            USING (worklist, issue)
        WHERE issued.issue IS NULL OR (
            written.issue IS NULL AND regexp_replace(worklist, '^[0-9]{4}_', '') <> 'adresdesk'
        )
        """,
    ),
]
