"""What came of the worklists: files that teams return, contact attempts and end results (docs/outcomes.md)."""

from collections import Counter
from collections.abc import Mapping

from vroeg_pipeline.monthly import Figures, Month, counted, made, monthly, row_count
from vroeg_pipeline.outcomes.intake import settle_outcomes, take_in_outcomes, write_replies

GROUP = "outcomes"
# A case is known by what was issued, or by the rows that were delivered for it.
_KNOWN_BY = ["worklist_issues", "delivery_files", "validated_signals", "rejected_rows", "address_overrides"]
_CASES = [
    "told_cases", "moved_cases", "possible_addresses", "known_cases", "other_cases", "strange_outcome_files",
]  # fmt: skip


@monthly(
    made(
        "outcome_files",
        "Reads the worklists in inbox/outcomes/‹YYYY-MM›/ (XLSX, or CSV of a system link) and keeps the bytes of "
        "every file in the archive (DOMAIN §13).",
        # Its own file of notes on the inbox is written there first.
        reads=["delivery_files"],
        statements=["outcome_rows"],
        group=GROUP,
        kinds=("duckdb", "file"),
    )
)
def outcome_files(of: Month) -> Mapping[str, Figures]:
    """The intake of what teams return. Before the worklists: who was helped in earlier months is told on them."""
    files, skipped = take_in_outcomes(of.connection, of.installation, of.month, of.context.log.warning)
    return {
        "outcome_files": {
            **row_count(len(files)),
            "refused": counted(Counter(file.refusal for file in files if file.refusal)),
            "left alone in the inbox": counted(skipped),
        }
    }


@monthly(
    made(
        "contact_attempts",
        "An attempt is known by its Kenmerk and Poging; the newest file's word counts, and an empty cell wipes "
        "nothing. The words are those of DDAS (DOMAIN §2).",
        reads=["outcome_files", *_KNOWN_BY],
        statements=[*_CASES, "contact_attempts"],
        group=GROUP,
    ),
    made(
        "case_results",
        "The end result that was told last, in the words of DDAS (DOMAIN §2); at most one a case.",
        reads=["outcome_files", *_KNOWN_BY, "contact_attempts"],
        statements=[*_CASES, "case_results"],
        group=GROUP,
    ),
    made(
        "contacted_signals",
        "What was contacted stays: a withdrawal, an objection or another delivery that comes after an attempt or end "
        "result was returned takes the address off the list, and nothing else (DOMAIN §10).",
        reads=["outcome_files", *_KNOWN_BY],
        statements=[*_CASES, "departures", "former_files", "kept_signals", "contacted_signals"],
        group=GROUP,
    ),
    made(
        "contacted_reports",
        "Their reports stay in the evaluation, ranked as all others are (DOMAIN §10).",
        reads=["contacted_signals", "address_matches", "recidivism_history", "areas", "known_clients"],
        group=GROUP,
    ),
    made(
        "refused_outcomes",
        "A row that cannot be read goes back as an XLSX in the outbox, its cells marked; the rest of its file counts "
        "(DOMAIN §5: nothing lost).",
        reads=["outcome_files", *_KNOWN_BY],
        statements=[*_CASES, "refused_outcomes"],
        group=GROUP,
    ),
)
def outcomes(of: Month) -> Mapping[str, Figures]:
    """Attempts, results and what could not be read, filled together so that each row lands somewhere."""
    counts = settle_outcomes(of.connection, of.installation, of.month)
    replies = write_replies(of.connection, of.installation, of.month)
    return {
        "contact_attempts": {
            **row_count(counts["contact_attempts"]),
            "kinds": of.counts("contact_attempts", "contact_kind"),
        },
        "case_results": {**row_count(counts["case_results"]), "results": of.counts("case_results", "end_result")},
        "contacted_signals": row_count(counts["contacted_signals"]),
        "contacted_reports": {"reports": of.counts("contacted_reports", "worklist")},
        "refused_outcomes": {
            **row_count(counts["refused_outcomes"]),
            "reasons": of.counts("refused_outcomes", "unnest(reasons)"),
            "replies in the outbox": replies,
        },
    }
