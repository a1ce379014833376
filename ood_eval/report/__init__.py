"""Rows to tables, plots and pages."""

from ood_eval.report.result import Result, read_result, read_results
from ood_eval.report.terminal import print_table
from ood_eval.report.write import write_report

__all__ = ["Result", "print_table", "read_result", "read_results", "write_report"]
