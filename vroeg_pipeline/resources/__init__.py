"""The outside world: files, folders, the warehouse."""
