"""What partners hear back (docs/feedback.md)."""
