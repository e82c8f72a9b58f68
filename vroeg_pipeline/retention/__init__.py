"""What is kept no longer than needed (DOMAIN §14)."""
