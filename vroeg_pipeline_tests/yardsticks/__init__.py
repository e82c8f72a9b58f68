"""Other programs that give the same tables: what the pipeline is measured against, and what checks its answers."""
