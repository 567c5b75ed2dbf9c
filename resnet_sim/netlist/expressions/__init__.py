"""Expressions of decks: what they can compute, and the machine that computes it."""
