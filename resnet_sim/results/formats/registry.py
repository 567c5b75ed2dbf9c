"""The output formats.  One entry a format: the command's choices, tables in documents and tests
are read from here.

No numpy is imported before something is written: ``--help`` must not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from ...errors import UsageError

if TYPE_CHECKING:
    from ..predictions import Answers, Result


class Format(NamedTuple):
    """A way to write results.

    Attributes
    ----------
    name, description : str
    ending : str
        Of files, without a dot.
    text : bool
        Whether it is text; bytes are not printed.
    needs : tuple of str
        Packages that are optional, of the extra ``tables``.
    reports : bool
        Whether it holds more than numbers: diagnostics, comparisons, what ``.sens``, ``.tf`` and
        ``.meas`` ask for.
    module : str
        Where its function ``write`` is, with the parameters of `Format.write`; by default beside
        this module, under the name of the format.
    """

    name: str
    ending: str
    description: str
    text: bool = True
    reports: bool = False
    needs: tuple[str, ...] = ()
    module: str = ""

    def write(
        self,
        results: Sequence[Result],
        outputs: Sequence[str] = (),
        answers: Answers = None,
    ) -> str | bytes:
        """Return results in this format.

        Parameters
        ----------
        results : sequence of Result
            One for each analysis of a circuit, of one point or of many.
        outputs : sequence of str
            What to write, as ``v(a,b)`` and ``i(r1)``; by default what the deck's ``.print``
            names, or else everything, as with ``all``.  JSON has everything, and these apart.
        answers : mapping, optional
            What is known beside voltages and currents, as JSON data; see `reports`.
        """
        try:
            content: str | bytes = self._module().write(results, outputs, answers)
        except ImportError as error:
            if not self.needs:
                raise
            raise UsageError(
                f"{self.name} needs {' and '.join(self.needs)}: pip install 'resnet_sim[tables]'"
            ) from error
        return content

    def parts(
        self,
        results: Sequence[Result],
        outputs: Sequence[str] = (),
        answers: Answers = None,
    ) -> Iterable[str | bytes]:
        """Return the same in parts, of which each is made when it is asked for.

        Those formats in which a circuit of millions of nodes takes gigabytes have several.
        """
        if parts := getattr(self._module(), "parts", None):
            found: Iterable[str] = parts(results, outputs, answers)
            return found
        return [self.write(results, outputs, answers)]

    def _module(self) -> ModuleType:
        return import_module(self.module or f".{self.name}", __package__)


#: name -> format, in the order of ``--help``; another is added by an entry
FORMATS = {
    form.name: form
    for form in (
        Format("table", "txt", "for people; large circuits are cut", reports=True),
        Format("json", "json", "one object, everything that is known", reports=True),
        Format("csv", "csv", "a row per point, for spreadsheets"),
        Format("raw", "raw", "a SPICE raw file, for waveform viewers"),
        Format("npz", "npz", "arrays for numpy", text=False),
        Format("parquet", "parquet", "columns for data frames", False, needs=("pandas", "pyarrow")),
        Format("xlsx", "xlsx", "a sheet with a row per point", False, needs=("pandas", "openpyxl")),
    )
}
