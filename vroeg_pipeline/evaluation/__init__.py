"""Whether it worked, in numbers without persons (docs/evaluation.md)."""
