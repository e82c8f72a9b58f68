"""Named asset checks: what must hold of each published table, and of each delivery."""
