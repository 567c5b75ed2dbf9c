"""Exact solutions of nonlinear resistive circuits, and training on top."""
