"""From truth and records to errors: pure functions, no files."""
