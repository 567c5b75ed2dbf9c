"""Dot cards by name: what is read, what is about something else, and in which spellings."""

from __future__ import annotations

#: dot cards that are kept for the elaboration
DECLARATIONS = {
    *("param", "func", "model", "global", "temp", "options"),
    *("op", "dc", "step", "print", "plot", "save", "nodeset", "ic", "sens", "tf", "meas"),
    "data",  # its lines, one by one
}
#: dot cards that ask for another analysis
OTHER_ANALYSES = {
    *("tran", "ac", "noise", "pz", "disto", "four", "fft", "pss", "sp", "net", "hb", "hbnoise"),
    *(
        "noisetran",
        "envelope",
        "mpde",
        "sn",
        "snac",
        "snnoise",
        "phasenoise",
        "pxf",
        "pac",
        "pnoise",
    ),
    *("mc", "wcase", "sampling", "embeddedsampling", "pce", "lstb", "stab", "ftran", "dcmatch"),
    *("acmatch", "optim", "loopgain", "ptdnoise", "shooting", "env", "ivth", "surge"),
    *("hbac", "hblin", "hbosc", "hbxf", "hbls", "snft", "snxf", "trannoise", "trac"),
}
#: dot cards without influence on an operating point
IGNORED = {
    *("probe", "probe64", "width", "graph", "view", "wave", "csdf", "iplot", "ascii"),
    *(
        "csparam",
        "backanno",
        "machine",
        "endmachine",
        "loadbias",
        "savebias",
        "load",
        "text",
        "lin",
    ),
    *("prot", "unprot", "protect", "unprotect", "autoconverge", "preprocess", "distribution"),
    *("alias", "endalias", "aliases", "endaliases", "stimulus", "stimlib", "watch", "vector"),
    *(
        "noiseplot",
        "biaschk",
        "result",
        "results",
        "doutput",
        "output",
        "title2",
        "sample",
        "store",
    ),
    *("measure_format", "ferret", "history", "newpage", "page", "set", "pat", "print64", "opf"),
    # gnucap's, HSPICE's and Xyce's
    *(
        "fourier",
        "list",
        "log",
        "status",
        "mark",
        "unmark",
        "fit",
        "pause",
        "rem",
        "help",
        "plotwin",
    ),
    *(
        "quit",
        "exit",
        "hdl",
        "malias",
        "dout",
        "stim",
        "vec",
        "shape",
        "ibis",
        "ebd",
        "pkg",
    ),
    *("dataformat", "optimizer", "fra", "ptran", "snosc", "phasenoise", "bode", "meter"),
    *("mosra", "mosraprint", "appendmodel", "moddata", "icm", "check"),
    *("subcktname", "libpath", "checkpoint", "assert", "info", "encrypt", "endencrypt", "thermal"),
}
#: dot cards that give a deck its structure
STRUCTURE = {
    *("subckt", "ends", "if", "elseif", "else", "endif", "include", "lib", "endl"),
    *("control", "endc", "data", "enddata", "end", "title"),
    *("alter", "del", "variation", "design_exploration"),
}
#: other spellings
_ALIASES = {
    **dict.fromkeys(("params", "parameter", "parameters", "global_param", "globalparam"), "param"),
    **dict.fromkeys(("function", "functions"), "func"),
    **dict.fromkeys(("temperature", "tmp"), "temp"),
    **dict.fromkeys(("measure", "measurement"), "meas"),
    **{"macro": "subckt", "eom": "ends", "incl": "include", "inc": "include", "gnode": "global"},
    **{"initcond": "ic", "dcvolt": "ic", "nodesets": "nodeset", "sensitivity": "sens"},
}


def canonical(keyword: str) -> str:
    """Return the usual spelling of a keyword: ``.opti`` and ``.optionset`` are ``.options``."""
    if keyword.startswith("opt") and keyword not in OTHER_ANALYSES:
        return "options"
    return _ALIASES.get(keyword, keyword)
