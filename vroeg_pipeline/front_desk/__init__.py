"""One sender, many towns: divides what it delivers among their inboxes, and keeps nothing (docs/front-desk.md)."""
