"""Who does what, in which order, and what teams are told (DOMAIN §9)."""
