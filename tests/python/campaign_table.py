"""A case of a campaign file said in Python, so that the two ways to say one can be compared."""

import tomllib

import swiperig as rig


def read(path):
    with open(path, "rb") as file:
        return tomllib.load(file)


def said(table):
    """The same case by way of the package's methods."""
    t = dict(table)
    steps, swipe = t.pop("step", []), t.pop("swipe", None)
    for verb in ("dip", "tap"):
        t.pop(verb, None)
    case = rig.Case(t.pop("name"), **t)
    if isinstance(swipe, dict):
        s = dict(swipe)
        if "partial" in s:
            s["partial"] = (s["partial"].get("from"), s["partial"].get("to"))
        if "stop" in s:
            s["stop"] = (s["stop"]["at"], s["stop"]["lasts"])
        case.swipe(s.pop("speed"), **s)
    elif swipe is not None:
        case.swipe(swipe)
    if held := t_held(table):
        verb, how = held
        getattr(case, verb)(**how)
    for step in steps:
        add(case, dict(step))
    return case


def t_held(table):
    """How the case holds its card to the terminal, if it does."""
    return next(((verb, table[verb]) for verb in ("dip", "tap") if verb in table), None)


def add(case, s):
    moment = case.on(s.pop("when"), nth=s.pop("nth", 1), after=s.pop("after", None))
    if "network" in s:
        moment.network(s.pop("network"), **s)
    elif "host" in s:
        moment.host(s.pop("host"), **s)
    elif "part" in s:
        moment.part(s.pop("part"), s.pop("state"), **s)
    elif "press" in s:
        moment.press(s.pop("press"))
    elif "brown_out" in s:
        moment.brown_out(**s.pop("brown_out"))
    else:
        assert s.pop("power") == "off"
        moment.cut_power()
