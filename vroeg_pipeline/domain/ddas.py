"""The enumerations of DDAS-Vroegsignalering v1.2 that the pipeline and its files use, with the standard's own names.

A test compares them with the schema.
"""

from __future__ import annotations

from typing import Literal, get_args

EnumContactsoort = (
    "Administratief", "Afspraak op locatie", "Brief", "Huisbezoek", "Kaartje", "Mail", "Onbekend", "Overige",
    "SMS/Whatsapp", "Telefoon",
)  # fmt: skip

EnumDagdeel = ("Ochtend", "Middag", "Avond")

EnumEindresultaat = (
    "(Budget)advies en/of quick fix",
    "Definitief geen contact kunnen krijgen",
    "Geen reactie na eerder contact",
    "Inwoner al bekend bij schuldhulpverlening",
    "Inwoner heeft al een ander lopend traject",
    "Inwoner heeft zelf al betaald/betalingsregeling getroffen",
    "Inwoner is overleden",
    "Inwoner regelt het zelf/hoeft geen hulp vanuit vroegsignalering",
    "Niet opgepakt: andere reden",
    "Niet opgepakt: herhaalde melding",
    "Niet opgepakt: onterecht signaal",
    "Persoon is geen inwoner (meer) in de gemeente",
    "Vervolghulp en/of verwijzing",
    "Vervolghulp en/of verwijzing financieel",
    "Vervolghulp en/of verwijzing niet financieel",
    "Verwijzing zonder tussenkomst inwoner",
)

# Help that a resident accepted, unless the settings say otherwise (evaluation.help_results): what the evaluation counts, and
# who gets aftercare.
HELP_ACCEPTED = (
    "(Budget)advies en/of quick fix",
    *(result for result in EnumEindresultaat if result.startswith("Vervolghulp en/of verwijzing")),
)

# In the order in which somebody who writes an agreement is told them: what every municipality has comes first.
PartnerType = Literal[
    "Huur", "Energie", "Water", "Zorg", "Hypotheek", "CAK Zorgverzekeringen", "CAK Eigen bijdrage",
    "DUO", "Belastingdienst", "Dienst Toeslagen", "Overige",
]  # fmt: skip
EnumSignaalpartner: tuple[str, ...] = tuple(sorted(get_args(PartnerType), key=str.casefold))

EnumSignaalstatus = (
    "Inwoner al bekend bij schuldhulpverlening",
    "Inwoner is overleden",
    "Niet opgepakt: andere reden",
    "Niet opgepakt: herhaalde melding",
    "Niet opgepakt: onterecht signaal",
    "Nog niet opgepakt",
    "Opgepakt",
    "Persoon is geen inwoner (meer) in de gemeente",
)
