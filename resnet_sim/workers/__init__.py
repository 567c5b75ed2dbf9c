"""Who does the work, and what is kept of it: executors, jobs, journals, files, progress.

Knows no circuit.
"""

DOORS = ("atomic_file", "executors", "jobs", "journal", "progress")
