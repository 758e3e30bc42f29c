"""Reports: a page on training runs that opens offline, and documents of tables and pictures."""

from poodle_mm.experiments.report.document import Picture, write_report

__all__ = ['Picture', 'write_report']
