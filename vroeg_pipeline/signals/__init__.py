"""Which delivered rows are signals, and why others are not (DOMAIN §5, §10)."""
