"""A synthetic partner world: people, dwellings and deliveries that do not exist, with every defect that DOMAIN names."""
