"""One sender's file divided over the towns that it is for (docs/front-desk.md)."""
