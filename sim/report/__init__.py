"""The report at the end of a run, as a page of tables for a terminal or a file."""
