"""One file a table of the accuracy report: what to run, how to measure it, how to sum it up."""
