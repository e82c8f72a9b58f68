"""What teams return: the columns of a filled-in worklist that are read back, and why a file is refused.

How a file is read stands in `outcomes.reader`, what its rows mean in `outcomes/outcome_rows.sql`. Texts are in Dutch,
as teams read them.
"""

from __future__ import annotations

# Field → header on the worklist. All must be there: one that was renamed must not silently count as empty.
OUTCOME_COLUMNS = {
    "case_id": "Kenmerk (niet wijzigen)",
    "attempt": "Poging",
    "contact_kind": "Soort contact",
    "reached": "Bereikt",
    "contacted_on": "Datum contact",
    "day_part": "Dagdeel",
    "end_result": "Eindresultaat",
}
# Taken along where it is there, so that a team recognises a row that is returned to it.
ADDRESS_COLUMN = "Adres"

# What a file is refused for → what its team is told.
REFUSALS = {
    "too_large": "Het bestand is te groot ({}). Stuur alleen de werklijst terug.",
    "macros": "Het bestand heeft macro's en wordt daarom niet geopend. Sla het op als Excel-werkmap zonder macro's (.xlsx).",
    "unreadable": "Dit is geen XLSX of CSV die wij kunnen lezen: {}. Stuur de werklijst terug als Excel-werkmap (.xlsx), "
    "zonder wachtwoord.",
    "missing_columns": "De kopregel is niet die van de werklijst: {}. Zet de kolommen terug zoals ze waren.",
    "other_month": "Dit is de werklijst van {}. Lever het bestand aan in de map van die maand.",
    "unknown_cases": "Geen enkel kenmerk in dit bestand is van deze gemeente en deze maand. Stuur die van {} terug.",
}
PICTURES = "De afbeeldingen of notities in dit bestand zijn niet gelezen. Vul wat daarin staat in de gele kolommen in."
