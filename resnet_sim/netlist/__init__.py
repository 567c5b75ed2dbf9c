"""The netlist language: text to `Circuit` and back."""
