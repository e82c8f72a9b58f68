"""Who is told what, when and in which words (docs/adr/0010)."""
