"""Measurements (`make bench`): never asserted, printed as a table."""
