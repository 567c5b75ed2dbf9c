"""Samples from files: tables, and images in idx format.  Knows no circuit."""
