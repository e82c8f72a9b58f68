"""What people must look at to know a door, and what they decided (DOMAIN §6)."""
