"""The rules of early debt signalling in plain Python: no Dagster, no files, no clock."""
