"""Rows to tables, plots and pages."""
