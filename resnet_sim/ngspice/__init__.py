"""A second opinion: run ngspice, or read what a simulator has written, and compare.

``compare`` is what ``resnet-sim validate`` does; ``run`` asks ngspice alone.
"""

from .as_written import AsWritten
from .comparison import Comparison, Verdict
from .deviations import Deviation
from .listings import read_output
from .oracle import run
from .readings import Reading
from .report import exit_status, format_json, format_report, to_json
from .validation import AsSolved, Report, compare

__all__ = [
    "AsSolved", "AsWritten", "Comparison", "Deviation", "Reading", "Report", "Verdict", "compare",
    "exit_status", "format_json", "format_report", "read_output", "run", "to_json",
]  # fmt: skip
