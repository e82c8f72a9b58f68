"""One installation: its folder, settings and agreements as read, warehouse, lock, notes beside the inbox, SQL helpers."""
