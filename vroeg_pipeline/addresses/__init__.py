"""Which dwelling an address as written means (DOMAIN §6)."""
