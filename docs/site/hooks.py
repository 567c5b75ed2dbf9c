"""Pages of the site that are made of something else, and links that leave the folder of documents.

README.md is the first page; every public name has an entry under `api`; the gallery has the
examples with their pictures; and what documents link to in the repository comes along.
"""

from __future__ import annotations

import importlib
import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
#: packages whose public names are documented -> title of the page
PACKAGES = {
    "resnet_sim": "Circuits and analyses",
    "resnet_sim.training": "Training",
    "resnet_sim.generators": "Generators",
    "resnet_sim.netlist": "Netlists",
    "resnet_sim.ngspice": "ngspice",
    "resnet_sim.plotting": "Pictures",
}
#: what belongs to the site besides the documents
BESIDES = ("CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "setup", "examples")
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)(?=[)#])")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""

    def add(uri: str, content: str | bytes) -> None:
        files.append(File.generated(config, uri, content=content))

    add("index.md", (ROOT / "README.md").read_text())
    for path in repository():
        add(f"repository/{path.relative_to(ROOT).as_posix()}", path.read_bytes())
    add("api/index.md", contents())
    for package, title in PACKAGES.items():
        add(f"api/{package}.md", reference(package, title))
    for uri, content in gallery():
        add(uri, content)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let links go to where files of the repository are on the site."""
    uri = page.file.src_uri
    home = posixpath.dirname(source(uri))

    def place(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(home, match[1]))
        if target.startswith("docs/"):
            new = target.removeprefix("docs/")
        elif target == "README.md":
            new = "index.md"
        elif (ROOT / target).is_file():
            new = f"repository/{target}"
        elif (ROOT / target / "README.md").is_file():
            new = f"repository/{target}/README.md"
        elif target == "examples/netlists":
            new = "gallery.md"
        else:
            return match[0]
        return posixpath.relpath(new, posixpath.dirname(uri) or ".")

    # pages that are made here have their links right already
    return markdown if uri.startswith(("api/", "gallery")) else _LINK.sub(place, markdown)


def source(uri: str) -> str:
    """Return the file of the repository that a page comes from."""
    if uri == "index.md":
        return "README.md"
    return uri.removeprefix("repository/") if uri.startswith("repository/") else f"docs/{uri}"


def repository() -> Iterator[Path]:
    """Yield the files that come along."""
    for name in BESIDES:
        path = ROOT / name
        yield from [path] if path.is_file() else sorted(p for p in path.rglob("*.*") if p.is_file())


def public(package: str) -> list[str]:
    """Return the public names of a package that are no packages with a page of their own."""
    module = importlib.import_module(package)
    return [
        name
        for name in sorted(module.__all__, key=str.lower)
        if f"{package}.{name}" not in PACKAGES and name != "__version__"
    ]


def contents() -> str:
    """Return a table of all public names."""
    lines = ["# Python", "", "Every public name, with an example that the tests run.", ""]
    for package, title in PACKAGES.items():
        links = [f"[`{name}`]({package}.md#{package}.{name})" for name in public(package)]
        lines += [f"## [{title}]({package}.md)", "", " · ".join(links), ""]
    return "\n".join(lines)


def reference(package: str, title: str) -> str:
    """Return the page of a package."""
    entries = [f"::: {package}.{name}" for name in public(package)]
    doc = (importlib.import_module(package).__doc__ or "").partition("\n")[0]
    return "\n\n".join([f"# {title}: `{package}`", doc, *entries]) + "\n"


def gallery() -> Iterator[tuple[str, str | bytes]]:
    """Yield the page of the examples, and their pictures."""
    lines = [
        "# Gallery",
        "",
        "The examples that come with the package: `resnet-sim examples NAME`.",
        "",
    ]
    for path in sorted((ROOT / "examples" / "netlists").glob("*.net")):
        text = path.read_text()
        lines += [f"## {path.stem}", ""]
        picture = drawn(path)
        if picture is not None:
            yield f"gallery/{path.stem}.svg", picture
            lines += [f"![the circuit of {path.stem}](gallery/{path.stem}.svg)", ""]
        lines += ["```spice", text.rstrip(), "```", ""]
    yield "gallery.md", "\n".join(lines)


def drawn(path: Path) -> str | None:
    """Return the picture of a deck as SVG, None where it can't be drawn."""
    import io
    from contextlib import redirect_stderr

    from resnet_sim.cli import main

    name = path.with_suffix(".svg").name
    place = Path(os.environ.get("TMPDIR", "/tmp")) / f"resnet-sim-{os.getpid()}-{name}"
    try:
        with redirect_stderr(io.StringIO()):
            status = main(["graph", str(path), "-o", str(place)])
        return place.read_text() if place.exists() and status in (0, 3) else None
    finally:
        place.unlink(missing_ok=True)
