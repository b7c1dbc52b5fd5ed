"""What to do, as data: one shopping intent and the steps that disturb it. A case is checked by the reader of campaign
files, in the same words; it says what is wrong at the file and line of the Python that said it."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, Mapping, Sequence, Union

from .words import Alteration, Cause, HostBehaviour, Kind, Milestone, NetworkFault, Part, PartState

#: "60 s", "3 ms", "250 us", or a timedelta; in a case for run_many also {"from": "0 ms", "to": "9 ms", "by": "1 ms"}.
Duration = Union[str, timedelta, Mapping[str, Any]]
#: "12.34" or a Decimal: major units with at most two decimals, from 0.01 to 9999999999.99.
Amount = Union[str, Decimal, Mapping[str, Any]]

_PACKAGE = os.path.dirname(__file__) + os.sep


def here() -> tuple[str, int]:
    """File and line of the nearest caller outside this package; the file relative to where Python runs, if below."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    file = frame.f_code.co_filename
    below = os.getcwd() + os.sep
    return file[len(below):] if file.startswith(below) else file, frame.f_lineno


def plain(value: Any) -> Any:
    """The value as a campaign file would have it."""
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)} us"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def told(**words: Any) -> dict[str, Any]:
    """Those of the words that were said."""
    return {key: plain(value) for key, value in words.items() if value is not None}


def written(verb: str, *said: Any, **words: Any) -> str:
    """The call as Python."""
    parts = [repr(one) for one in said] + [f"{key}={value!r}" for key, value in words.items() if value is not None]
    return f"{verb}({', '.join(parts)})"


class Case:
    """One transaction and what disturbs it.

    name: 1 to 80 characters. amount: what the cashier keys in ("12.34"); kinds that ask for none take none.
    card: a slot of the bench ("debit"), never a number. kind: what it is beside a sale; what a void or refund is about
    is made first, undisturbed, for `original_amount` where that differs. cause: what the case induces; then a fault
    that changed nothing is inconclusive. Left out, the case claims nothing and the diagnosis is yours to assert.
    must: milestones without which the case proves nothing (default: those its steps wait for). point: P1 to P21, the
    moment at which nothing comes back; a cycle that comes to another one proves nothing.
    patience: 1 s to 3600 s until "nothing came back" (default: the terminal profile's limit).
    quiet: 1 s to 3600 s until the next customer comes (default: at once). settle: settlement at the end.
    current_log: voltage and current are read every 1 ms to 60 s.
    pin: typed when the terminal asks for one, a list for one after another; names of the bench's file of pins.
    measure: a milestone of which only is measured whether it is seen; then one of card, speed and acceleration is a
    list.

    Nothing is checked before a bench takes the case; what is wrong is `Refused` then, with file and line of the call.

    >>> case = Case("good sale", amount="12.34", card="debit").swipe(speed="500 mm/s")
    >>> case
    Case('good sale', amount='12.34', card='debit').swipe(speed='500 mm/s')
    """

    def __init__(
        self,
        name: str,
        *,
        amount: Amount | None = None,
        card: str | Sequence[str] | None = None,
        kind: Kind = "sale",
        original_amount: Amount | None = None,
        cause: Cause | None = None,
        must: Sequence[Milestone] | None = None,
        point: str | None = None,
        patience: Duration | None = None,
        quiet: Duration | None = None,
        settle: bool | None = None,
        current_log: Duration | None = None,
        measure: Milestone | None = None,
        pin: str | Sequence[str] | None = None,
    ) -> None:
        self.name = name
        self._at = here()
        self._kind = kind
        self._must = must
        self._said = told(name=name, amount=amount, card=card, kind=kind, original_amount=original_amount, cause=cause,
                          point=point, patience=patience, quiet=quiet, settle=settle, current_log=current_log,
                          measure=measure, pin=pin)
        if cause is None and measure is None:
            self._said["cause"] = "unclaimed"
        self._swipe: tuple[str, int, Any] | None = None
        self._held: tuple[str, tuple[str, int, Any]] | None = None  # dip or tap
        self._steps: list[tuple[str, int, Any]] = []
        self._written = [written("Case", name, amount=amount, card=card, kind=None if kind == "sale" else kind,
                                 original_amount=original_amount, cause=cause, must=must, point=point,
                                 patience=patience, quiet=quiet, settle=settle, current_log=current_log,
                                 measure=measure, pin=pin)]

    def swipe(
        self,
        speed: str | Sequence[str] = "500 mm/s",
        *,
        acceleration: str | Sequence[str] | None = None,
        reverse: bool | None = None,
        face: Literal["front", "back", "upside_down"] | None = None,
        tilt: str | None = None,
        twice: bool | None = None,
        lift: str | None = None,
        partial: tuple[str | None, str | None] | None = None,
        stop: tuple[str, Duration] | None = None,
    ) -> Case:
        """The card is swiped when the terminal asks for it. Returns the case.

        speed: 1 to 10000 mm/s where the stripe's leading edge meets the head, or "none": the card stays away.
        acceleration: 0 to 100000 mm/s2 from there on. reverse: the end of the stripe first. face: which side is
        towards the head. tilt: 0 to 20 deg. twice: and once more. partial: from and to, "0 mm" to "85 mm" from the
        leading edge, only that passes. stop: (where, how long), "1 mm" to "85 mm", 1 ms to 60 s. lift: "0 mm" to
        "20 mm", so far above the floor of the slot.
        """
        manner = told(acceleration=acceleration, reverse=reverse, face=face, tilt=tilt, twice=twice, lift=lift)
        if partial is not None:
            manner["partial"] = told(**{"from": partial[0], "to": partial[1]})
        if stop is not None:
            manner["stop"] = told(at=stop[0], lasts=stop[1])
        said = plain(speed)
        self._swipe = (*here(), {"speed": said, **manner} if manner else said)
        self._written.append(written("swipe", speed=speed, acceleration=acceleration, reverse=reverse, face=face,
                                     tilt=tilt, twice=twice, lift=lift, partial=partial, stop=stop))
        return self

    def dip(self, dwell: Duration | Mapping[str, Any], *, depth: str | None = None, speed: str | None = None) -> Case:
        """The card is put into the chip slot instead of being swiped, and pulled after `dwell` (20 ms to 60 s),
        whatever the terminal is doing. depth: 1 to 80 mm (default: all the way). speed: 1 to 1000 mm/s. Returns the
        case."""
        words = dict(depth=depth, speed=speed)
        self._held = ("dip", (*here(), {"dwell": dwell, **told(**words)}))
        self._written.append(written("dip", dwell, **words))
        return self

    def tap(self, hold: Duration | Mapping[str, Any], *, height: str | None = None) -> Case:
        """The card is held to the contactless field instead of being swiped, for `hold` (20 ms to 60 s). height: 0 to
        200 mm above the taught place. Returns the case."""
        self._held = ("tap", (*here(), {"hold": hold, **told(height=height)}))
        self._written.append(written("tap", hold, height=height))
        return self

    def on(self, milestone: Milestone, nth: int | Mapping[str, Any] = 1, after: Duration | None = None) -> Moment:
        """The moment of the nth (1 to 1000) occurrence of the milestone, and `after` (0 s to 600 s) later."""
        return Moment(self, milestone, nth, after)

    def _add(self, when: dict[str, Any], action: dict[str, Any], text: str) -> Case:
        self._steps.append((*here(), {**when, **action}))
        self._written.append(text)
        return self

    def _default_must(self) -> list[str]:
        seen = [said["when"] for _, _, said in self._steps if said["when"] not in ("start", "silence")]
        if seen:
            return list(dict.fromkeys(seen))
        if self._held is not None or (self._swipe is not None and self._swipe[2] != "none"):
            return ["card_wanted"]
        return ["served" if self._kind in ("parameters", "update") else "told"]

    def _as_said(self) -> tuple[str, int, dict[str, Any]]:
        """As the reader takes it: values with the place that said them."""
        said = dict(self._said)
        said["must"] = self._default_must() if self._must is None else plain(self._must)
        if self._held is not None:
            said[self._held[0]] = self._held[1]
        if self._swipe is not None:
            said["swipe"] = self._swipe
        if self._steps:
            said["step"] = list(self._steps)
        return (*self._at, said)

    def __repr__(self) -> str:
        return ".".join(self._written)


class Moment:
    """When a step acts. Each method adds one step to the case, and returns the case."""

    def __init__(self, case: Case, milestone: str, nth: int | Mapping[str, Any], after: Duration | None) -> None:
        self._case = case
        self._when = {"when": milestone}
        if nth != 1:
            self._when["nth"] = plain(nth)
        if after is not None:
            self._when["after"] = plain(after)
        self._written = written("on", milestone, **({"nth": nth} if nth != 1 else {}), after=after)

    def _step(self, action: dict[str, Any], text: str) -> Case:
        return self._case._add(self._when, action, f"{self._written}.{text}")

    def network(
        self,
        fault: NetworkFault,
        *,
        lasts: Duration | None = None,
        bytes: int | Mapping[str, Any] | None = None,
        bytes_per_s: int | Mapping[str, Any] | None = None,
        wait: Duration | None = None,
        then: Literal["silence", "fin", "reset"] | None = None,
        side: Literal["both", "terminal", "host"] | None = None,
        sender: Literal["terminal", "host"] | None = None,
        what: Alteration | None = None,
        bit: int | Mapping[str, Any] | None = None,
    ) -> Case:
        """Does it to the network. Faults upon a message (drop, delay, fin, reset, cut, duplicate, reorder, alter,
        replay) take a milestone `..._entered` without `after`, and are decided on that message in the path; cut_after
        takes "connected".

        lasts: 1 us to 600 s; of delay how long, of reorder at most, of the others how long it goes on (default: to
        the end of the case). bytes: that many go on, `then` what: of cut 1 to 4096 of the message, of
        cut_after 1 to 10**9 of what the `sender` says over the connection. bytes_per_s: of rate. wait: 1 ms to 120 s,
        of jitter and accept_slow. side: who is told of fin, reset, cut, cut_after. what, bit: of alter.
        """
        words = dict(lasts=lasts, bytes=bytes, bytes_per_s=bytes_per_s, wait=wait, then=then, side=side,
                     sender=sender, what=what, bit=bit)
        return self._step({"network": fault, **told(**words)}, written("network", fault, **words))

    def cut_network(self, lasts: Duration | None = None) -> Case:
        """Nothing passes and nobody is told, for 1 us to 600 s (default: to the end of the case): network("outage")."""
        return self._step(told(network="outage", lasts=lasts), written("cut_network", lasts=lasts))

    def cut_power(self) -> Case:
        """Off; the power comes back when the terminal is to recover."""
        return self._step({"power": "off"}, "cut_power()")

    def brown_out(self, to: str, lasts: Duration, *, fall: Duration | None = None, rise: Duration | None = None,
                  steps: int | None = None) -> Case:
        """The rail goes down to "3.1 V" while it stays on, for 1 ms to 10 s from where it was measured there, and comes
        back. fall, rise: over 1 ms to 10 s (default: at once), in so many steps (default: as the supply can)."""
        words = dict(fall=fall, rise=rise, steps=steps)
        return self._step({"brown_out": {"to": to, "lasts": lasts, **told(**words)}},
                          written("brown_out", to, lasts, **words))

    def host(self, behaviour: HostBehaviour, *, lasts: Duration | None = None, code: str | None = None) -> Case:
        """What the acquirer's host does from then on. lasts: 1 us to 600 s, for those that take time; code: field 39,
        two characters, for those that decline."""
        return self._step({"host": behaviour, **told(lasts=lasts, code=code)},
                          written("host", behaviour, lasts=lasts, code=code))

    def part(self, part: Part, state: PartState, *, which: str | None = None, lasts: Duration | None = None) -> Case:
        """A part of the terminal is in that state, for 1 us to 600 s (default: to the end of the case). which: of a
        keypad the key. Needs a bench that can do it (`rig.requires("parts")`)."""
        return self._step({"part": part, "state": state, **told(which=which, lasts=lasts)},
                          written("part", part, state, which=which, lasts=lasts))

    def press(self, keys: str) -> Case:
        """Keys by name, separated by one space: "1 2 OK"."""
        return self._step({"press": keys}, written("press", keys))
