"""What residents ask for: to be shown what is held, held back, not reported, erased (DOMAIN §14)."""
