"""Circuits as schematics: what stands where, as plain geometry, and writers that draw it.

`structure` finds supplies and subcircuits, `parts` says what symbols there are, `placing` puts them
on a grid, `routing` joins their pins by wires, and `drawing` puts it all together, with names of
nodes where there is room for them.
"""

from .drawing import Schematic, redrawn, schematic
from .structure import count_parts

__all__ = ["Schematic", "count_parts", "redrawn", "schematic"]

#: modules that other packages may use
DOORS = ("geometry", "svg")
