"""Vroeg Eropaf: from partner deliveries to prioritised worklists for early debt signalling."""
