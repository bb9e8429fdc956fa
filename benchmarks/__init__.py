"""Measures of the project: accuracy on recordings with known truth, and speed."""
