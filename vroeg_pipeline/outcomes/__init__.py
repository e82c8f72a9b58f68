"""What teams return: contact attempts and end results (docs/outcomes.md)."""
