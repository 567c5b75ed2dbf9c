""".model cards to the numbers that the devices need; exponential diodes are idealised."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..report import CardError, Report, did_you_mean
from ..source import Card
from .cards import Assign, Model, ModelCard, Word
from .items import ValueReader, read_items
from .scope import Evaluator, Failed, Scope

#: type on the card -> what it is for us
KINDS = {
    "d": "diode",
    "sidiode": "diode",
    "sw": "voltage switch",
    "vswitch": "voltage switch",
    "csw": "current switch",
    "iswitch": "current switch",
    "r": "resistor",
    "res": "resistor",
}

_IDEAL = {"ron", "roff", "vfwd", "vrev", "rrev"}
_SMOOTHING = {"epsilon", "revepsilon", "ilimit", "revilimit"}
_EXPONENTIAL = {
    *("is", "js", "jsw", "n", "ns", "rs", "bv", "vb", "ibv", "ib", "nbv", "cjo", "cj0", "cj", "vj"),
    *("pb", "m", "mj", "tt", "fc", "eg", "xti", "kf", "af", "tnom", "tref", "trs", "trs1", "trs2"),
    *("ikf", "ik", "ikr", "isr", "nr", "tbv", "tbv1", "tbv2", "cjp", "cjsw", "php", "mjsw", "fcs"),
    *("level", "tm1", "tm2", "tt1", "tt2", "ctp", "cta", "tpb", "tphp", "tlev", "tlevc", "gap1"),
    *("gap2", "area", "pj", "iave", "vpk", "mfg", "type", "vp", "isw", "ibvl", "nbvl"),
}
_KNOWN = {
    "diode": _IDEAL | _SMOOTHING | _EXPONENTIAL,
    "voltage switch": {"ron", "roff", "vt", "vh", "von", "voff"},
    "current switch": {"ron", "roff", "it", "ih", "ion", "ioff"},
    "resistor": {"r", "rsh", "l", "w", "defl", "defw", "narrow", "dw", "short", "dlr", "tc1", "tc2"}
    | {"tnom", "kf", "af", "tref"},
}


def read_model(card: Card, report: Report, *, quick: bool) -> ModelCard:
    """Return a .model card.

    Raises
    ------
    CardError
    """
    words: list[Word] = []
    parameters = []
    for item in read_items(card[2], quick=quick)[1:]:
        if isinstance(item, Assign):
            parameters.append(item)
        elif isinstance(item, Word) and len(words) < 2:
            words.append(item)
        elif item.text != "params:":
            message = f"{item.text!r} without a value is ignored"
            report.add("W110", message, card, item.offset, len(item.text))
    if len(words) < 2:
        hint = "the form is: .model name type(parameter=value ...)"
        raise CardError("E104", "too few fields", len(card[2].rstrip()) - 1, 1, hint)
    return ModelCard(words[0].text, words[1].text, tuple(parameters), card)


class ModelReader:
    """Evaluates models.

    Parameters
    ----------
    forward_drop : float, optional
        Forward voltage of diodes whose model does not give Vfwd, in V.
    """

    def __init__(
        self, report: Report, evaluator: Evaluator, forward_drop: float | None = None
    ) -> None:
        self._report, self._evaluator = report, evaluator
        self.forward_drop = forward_drop

    def evaluate(self, model: ModelCard, scope: Scope) -> Model:
        """Return the numbers of a model.

        Raises
        ------
        Failed
            After reporting why.
        """
        kind = KINDS.get(model.type)
        if kind is None:
            message = f"model {model.name} is of type {model.type}, which no device here can use"
            hint = did_you_mean(model.type, KINDS) or f"known types: {', '.join(KINDS)}"
            self._report.add("E126", message, model.card, hint=hint)
            raise Failed
        given = self._numbers(model, kind, scope)
        try:
            if kind == "diode":
                return Model(kind, self._diode(model, given))
            if kind == "resistor":
                return Model(kind, given)
            return Model(kind, _switch(model, given))
        except CardError as error:
            place = next((p.key for p in model.parameters if p.key.text == error.caret), None)
            offset, length = (place.offset, len(place.text)) if place else (None, 1)
            self._report.add(error.code, error.message, model.card, offset, length, hint=error.hint)
            raise Failed from None

    def _numbers(self, model: ModelCard, kind: str, scope: Scope) -> dict[str, float]:
        reader = ValueReader(model.card, self._report)
        numbers = {}
        for key, item in model.parameters:
            if key.text not in _KNOWN[kind]:
                message = f"unknown parameter {key.text!r} of a {kind} model is ignored"
                hint = did_you_mean(key.text, sorted(_KNOWN[kind]))
                self._report.add("W110", message, model.card, key.offset, len(key.text), hint=hint)
                continue
            if kind == "diode" and key.text in ("mfg", "type"):
                continue
            try:
                value = reader.value(item, unit="ohm" if key.text[0] == "r" else "")
            except CardError as error:
                self._report.error(error, model.card)
                raise Failed from None
            numbers[key.text] = self._evaluator.number(value, scope)
        return numbers

    def _diode(self, model: ModelCard, given: Mapping[str, float]) -> dict[str, float]:
        self._smoothing(model, given)
        exponential = sorted(_EXPONENTIAL & set(given))
        v_forward = given.get("vfwd", self.forward_drop or 0.0)
        if exponential and not _IDEAL & set(given):
            r_on, v_reverse = given.get("rs", 0.0), abs(given.get("bv", math.inf))
            self._report.add(
                "N101",
                f"diode model {model.name} is idealised: {v_forward:g} V and {r_on:g} ohm "
                f"when it conducts, breakdown at {v_reverse:g} V",
                model.card,
                hint="give Ron, Roff, Vfwd, Vrev to say what is meant, or .options vfwd=0.7",
            )
        else:
            r_on, v_reverse = given.get("ron", 0.0), given.get("vrev", math.inf)
        values = {
            "v_forward": v_forward,
            "r_on": r_on,
            "r_off": given.get("roff", math.inf),
            "v_reverse": v_reverse,
            "r_reverse": given.get("rrev", r_on),
        }
        _check_diode(values)
        return values

    def _smoothing(self, model: ModelCard, given: Mapping[str, float]) -> None:
        for key, _ in model.parameters:
            value = given.get(key.text, 0.0)
            if key.text in _SMOOTHING and value not in (0.0, math.inf):
                message = f"{key.text} is ignored: the knee is sharp and the current unlimited"
                self._report.add("W110", message, model.card, key.offset, len(key.text))


def _check_diode(values: Mapping[str, float]) -> None:
    checks = (
        ("ron", 0 <= values["r_on"] < math.inf, "Ron must be 0 or more"),
        ("roff", values["r_off"] > 0, "Roff must be above 0"),
        ("roff", values["r_off"] >= values["r_on"], "Roff must be at least Ron"),
        ("rrev", 0 <= values["r_reverse"] <= values["r_off"], "Rrev must lie between 0 and Roff"),
        ("vfwd", abs(values["v_forward"]) < math.inf, "Vfwd must be finite"),
        ("vrev", -values["v_reverse"] <= values["v_forward"], "-Vrev must not exceed Vfwd"),
    )
    for key, holds, message in checks:
        if not holds:
            raise CardError("E123", message, caret=key)


def _switch(model: ModelCard, given: Mapping[str, float]) -> dict[str, float]:
    letter = "v" if KINDS[model.type] == "voltage switch" else "i"
    # PSpice's types have defaults of their own
    is_pspice = model.type in ("vswitch", "iswitch")
    if is_pspice or f"{letter}on" in given or f"{letter}off" in given:
        on = given.get(f"{letter}on", 1.0 if letter == "v" else 1e-3)
        off = given.get(f"{letter}off", 0.0)
        threshold, hysteresis = (on + off) / 2, (on - off) / 2
    else:
        threshold, hysteresis = given.get(f"{letter}t", 0.0), given.get(f"{letter}h", 0.0)
    if hysteresis < 0:
        hint = "the switch closes when its control rises: exchange the control nodes if need be"
        raise CardError("E123", "the hysteresis must not be negative", hint=hint)
    if not math.isfinite(threshold) or not math.isfinite(hysteresis):
        raise CardError("E123", "threshold and hysteresis must be finite")
    r_on = given.get("ron", 1.0)
    r_off = given.get("roff", 1e6 if is_pspice else 1e12)
    if not 0 <= r_on < math.inf:
        raise CardError("E123", "Ron must be 0 or more", caret="ron")
    if not r_off > 0:
        raise CardError("E123", "Roff must be above 0", caret="roff")
    return {"r_on": r_on, "r_off": r_off, "threshold": threshold, "hysteresis": hysteresis}
