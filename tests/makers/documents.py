"""What documents contain."""

import re


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def steady(output: str) -> str:
    """Blank out what may differ from one machine to the next: rounding and time."""
    lines = output.strip().splitlines()
    changing = ("certificate:", "solver:")
    return "\n".join(
        re.sub(r"[\d.]+(?:e[-+]\d+)?(?: [mun]?s\b)?", "#", line)
        if line.startswith(changing)
        else line.rstrip()
        for line in lines
    )
