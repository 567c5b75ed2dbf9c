"""``resnet-sim train``: conductances that learn from a table of samples."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..model.display import how_many
from .common import (
    SOLVED,
    check_output,
    complain,
    deliver,
    explain,
    load,
    show_diagnostics,
)
from .learning import add_learning_options, check, cost, network, optimizer, rule
from .options import count, natural
from .runs import Run
from .samples import Meaning, Samples, add_data_options, protect

if TYPE_CHECKING:
    from ..model.circuit import Circuit
    from ..training import Network, Trainer


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "-o", dest="output", metavar="OUT",
        help="trained deck (default: standard output)",
    )  # fmt: skip
    parser.add_argument(
        "--to", choices=("resnet-sim", "ngspice", "ltspice"), default="resnet-sim",
        help="dialect of the trained deck, default %(default)s",
    )  # fmt: skip
    add_data_options(parser)
    parser.add_argument(
        "--validation",
        metavar="SHARE|CSV",
        help="share of the samples that are not trained with, or a table of others",
    )
    add_learning_options(parser)
    _add_run(parser.add_argument_group("run"))


def _add_run(group: argparse._ArgumentGroup) -> None:
    """Declare how long it runs, what it leaves behind, and what comes then."""
    group.add_argument("--epochs", type=count, default=100, help="default %(default)s")
    group.add_argument(
        "--batch-size", type=count, metavar="N", help="samples a step (default: all)"
    )
    group.add_argument(
        "--seed", type=natural, default=0, help="of the order of samples, and of splits"
    )
    group.add_argument(
        "--patience", type=count, metavar="EPOCHS",
        help="stop when the validation cost has not fallen for so long, and keep the best",
    )  # fmt: skip
    group.add_argument("--checkpoint", metavar="DIR", help="keep the state of the run there")
    group.add_argument(
        "--checkpoint-every", type=count, default=1, metavar="EPOCHS", help="default %(default)s"
    )
    group.add_argument("--resume", action="store_true", help="go on with the run in --checkpoint")
    group.add_argument("--metrics", metavar="FILE", help="a line of JSON for each epoch")
    group.add_argument(
        "--then",
        choices=("real",),
        help="tell how outputs and accuracy move when the ideal diodes become a real part",
    )
    group.add_argument(
        "--part",
        metavar="MODEL",
        help="that part: 1n4148 (the default), or parameters of a D model, 'IS=2.52n N=1.752'",
    )


def run(options: argparse.Namespace) -> int:
    """Train and write the deck."""
    check(options)
    circuit = load(options)
    _check_part(options, circuit)
    meaning = Meaning(options, circuit)
    _check_files(options, circuit)
    samples = meaning.read(options.data)
    train, validation = _split(options, meaning, samples)
    with _plain_warnings():
        net = network(options, circuit, meaning)
        trainer = _trainer(options, net, meaning)
    explain(options, trainer.explain_backend())
    folder = Run.open(options, circuit, train, validation)
    show_diagnostics(circuit.diagnostics)
    options.farewell = lambda: folder.farewell(len(trainer.history))
    with train.named(), _plain_warnings():
        _fit(options, trainer, train, validation, folder)
    del options.farewell
    _deliver(options, net)
    stream = sys.stderr if options.output in (None, "-") else sys.stdout
    print(_summary(trainer, train, validation), file=stream)
    if options.then:
        print("\n".join(_transferred(options, trainer, train, validation)), file=stream)
    return SOLVED


def _check_part(options: argparse.Namespace, circuit: Circuit) -> None:
    """Refuse a part that is none before anything is trained."""
    if options.part and not options.then:
        raise UsageError("--part is what diodes become with --then real")
    if options.then:
        from ..training import with_part

        options.part = options.part or "1n4148"
        with_part(circuit, options.part)


def _transferred(
    options: argparse.Namespace, trainer: Trainer, train: Samples, validation: Samples | None
) -> Iterator[str]:
    """Yield what becomes of the samples when diodes are real."""
    from ..training import transfer

    for name, samples in (("training", train), ("validation", validation)):
        if samples is not None:
            with samples.named():
                found = transfer(trainer.net, options.part, samples.X)
            yield f"{name}, {found}"
            yield f"{name}, real: {samples.verdict(trainer.cost, found.real)}"


def _check_files(options: argparse.Namespace, circuit: Circuit) -> None:
    """Refuse to overwrite what is read, and combinations that make no sense."""
    read = {source.name: "the netlist" for source in circuit.sources}
    read[options.data] = "the data"
    if options.validation and _share(options.validation) is None:
        read[options.validation] = "the validation data"
    check_output(options, circuit)
    protect(options.output, read, "the output")
    protect(options.metrics, read, "--metrics")
    if options.resume and not options.checkpoint:
        raise UsageError("--resume goes on with a run in a directory: name it by --checkpoint")
    if options.checkpoint_every != 1 and not options.checkpoint:
        raise UsageError("--checkpoint-every does nothing without --checkpoint DIR")
    if options.patience and not options.validation:
        raise UsageError("--patience watches the validation cost: it needs --validation")


def _split(
    options: argparse.Namespace, meaning: Meaning, samples: Samples
) -> tuple[Samples, Samples | None]:
    """Return the samples to train with and those to validate with."""
    import numpy as np

    if not options.validation:
        return samples, None
    share = _share(options.validation)
    if share is None:
        return samples, meaning.read(options.validation)
    count = round(share * len(samples.X))
    if not 0 < count < len(samples.X):
        raise UsageError(f"--validation {options.validation}: leaves no samples on one side")
    order = np.random.default_rng(options.seed).permutation(len(samples.X))
    return samples.rows(np.sort(order[count:])), samples.rows(np.sort(order[:count]))


def _trainer(options: argparse.Namespace, net: Network, meaning: Meaning) -> Trainer:
    from ..training import Trainer

    return Trainer(
        net, rule(options, net), cost(options, meaning, net), optimizer(options, net), options.seed
    )


def _fit(
    options: argparse.Namespace,
    trainer: Trainer,
    train: Samples,
    validation: Samples | None,
    folder: Run,
) -> None:
    from ..training import EarlyStopping

    trainer.fit(
        train.X,
        train.Y,
        options.epochs,
        options.batch_size,
        None if validation is None else (validation.X, validation.Y),
        early_stopping=EarlyStopping(options.patience) if options.patience else None,
        checkpoint=folder.checkpoint,
        checkpoint_every=options.checkpoint_every,
        resume=options.resume,
        metrics=options.metrics,
    )


def _deliver(options: argparse.Namespace, net: Network) -> None:
    from ..netlist import format_netlist

    deliver(format_netlist(net.circuit, dialect=options.to), options)


def _summary(trainer: Trainer, train: Samples, validation: Samples | None) -> str:
    """Return what was reached, in words."""
    lines = [
        f"trained {how_many(len(trainer.net.parameter_names), 'value')} on "
        f"{how_many(len(train.X), 'sample')} for {how_many(len(trainer.history), 'epoch')}"
    ]
    for name, samples in (("training", train), ("validation", validation)):
        if samples is not None:
            lines.append(f"{name}: {samples.verdict(trainer.cost, trainer.predict(samples.X))}")
    return "\n".join(lines)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings of the trainer as messages of the command."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = lambda message, *_, **__: complain(f"warning: {message}")
        yield


def _share(text: str) -> float | None:
    """Return a share of the samples, None if the text is none."""
    try:
        share = float(text)
    except ValueError:
        return None
    if not 0 < share < 1:
        raise UsageError(f"--validation {text}: a share is between 0 and 1")
    return share
