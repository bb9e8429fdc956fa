"""Forgetting an athlete: everything that is stored of one, found and removed."""
