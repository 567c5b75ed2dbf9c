"""Solvers: one method a file."""
