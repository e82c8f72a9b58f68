"""Which addresses are reported, and which were before (DOMAIN §7, §8)."""
