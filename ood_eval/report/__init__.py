"""Rows to tables, plots and pages. What draws is imported where it is used: the table alone needs no plots."""
