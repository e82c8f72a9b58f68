"""Judging deliveries with Great Expectations: what is expected, the verdicts, and their Data Docs."""
