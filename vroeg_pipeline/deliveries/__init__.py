"""What partners send: the inbox, the archive and the delivery register (DOMAIN §4)."""
