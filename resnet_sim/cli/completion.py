"""``resnet-sim completion``: what a shell needs to complete commands, options and choices."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from .common import SOLVED
from .subcommands import COMMANDS

DECKS = "none"

#: options whose argument is a file -> none of the choices
Options = dict[str, list[str]]

BASH = """# bash completion of resnet-sim: source <(resnet-sim completion bash)
_resnet_sim() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
    local command=${{COMP_WORDS[1]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands} --version --help" -- "$current"))
        return
    fi
    case "$command $before" in
{choices}
    esac
    if [ -z "$words" ] && [[ $current == -* ]]; then
        case "$command" in
{options}
        esac
    fi
    if [ -n "$words" ]; then
        COMPREPLY=($(compgen -W "$words" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -o filenames -F _resnet_sim resnet-sim
"""
ZSH = "#compdef resnet-sim\nautoload -U +X bashcompinit && bashcompinit\n"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "shell", choices=("bash", "zsh", "fish"), help="print the completions of this shell"
    )


def run(options: argparse.Namespace) -> int:
    """Print a script for the shell to source."""
    if options.shell == "fish":
        print("\n".join(_fish()))
    else:
        print((ZSH if options.shell == "zsh" else "") + _bash(), end="")
    return SOLVED


def _parsers() -> dict[str, argparse.ArgumentParser]:
    from .command import build_parser, commands

    return commands(build_parser())


def _options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the options and arguments that are no secret."""
    return (action for action in parser._actions if action.help != argparse.SUPPRESS)


def _choices(action: argparse.Action) -> list[str]:
    return [str(choice) for choice in action.choices or ()]


def _bash() -> str:
    choices, options = [], []
    for name, parser in _parsers().items():
        actions = list(_options(parser))
        words = " ".join(word for action in actions for word in action.option_strings)
        options.append(f'            {name}) words="{words}" ;;')
        for action in actions:
            if action.option_strings and action.choices:
                places = " | ".join(f'"{name} {word}"' for word in action.option_strings)
                choices.append(f'        {places}) words="{" ".join(_choices(action))}" ;;')
            elif action.choices:
                choices.append(f'        "{name} {name}") words="{" ".join(_choices(action))}" ;;')
    return BASH.format(
        commands=" ".join(COMMANDS), choices="\n".join(choices), options="\n".join(options)
    )


def _fish() -> Iterator[str]:
    """Yield the lines of fish's completions, with the help of each word."""
    yield "# fish completion of resnet-sim: resnet-sim completion fish | source"
    for name, purpose in COMMANDS.items():
        yield f"complete -c resnet-sim -n __fish_use_subcommand -f -a {name} -d {_quoted(purpose)}"
    for name, parser in _parsers().items():
        start = f"complete -c resnet-sim -n '__fish_seen_subcommand_from {name}'"
        for action in _options(parser):
            words = [f"-{'l' if w.startswith('--') else 's'} {w.lstrip('-')}"
                     for w in action.option_strings]  # fmt: skip
            if action.choices:
                words.append(f"-x -a {_quoted(' '.join(_choices(action)))}")
            elif action.option_strings and action.nargs != 0:
                words.append("-r")
            if words:
                help_text = _quoted((action.help or "") % _facts(action))
                yield f"{start} {' '.join(words)} -d {help_text}"


def _facts(action: argparse.Action) -> dict[str, object]:
    """Return what the help of an action may refer to."""
    return {"default": action.default, "prog": "resnet-sim", "metavar": action.metavar}


def _quoted(text: str) -> str:
    backslashed = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{backslashed}'"
