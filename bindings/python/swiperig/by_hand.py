"""What a bench is made of, to be moved by hand: `bench.actuator.swipe("debit")`, `bench.power.off()`. Each call does
one thing and returns the events seen since the last one; all of it is one cycle of the trace, which claims nothing."""

from __future__ import annotations

from typing import Any, Callable, Literal, Sequence

from .case import Case, Duration, here, told
from .events import Event
from .words import HostBehaviour, NetworkFault, Part, PartState

#: Does what is said, at a place in somebody's Python.
Do = Callable[[tuple[str, int, dict[str, Any]]], Sequence[Event]]


class _Device:
    def __init__(self, do: Do) -> None:
        self._do = do

    def _say(self, **words: Any) -> Sequence[Event]:
        return self._do((*here(), told(**words)))


class Actuator(_Device):
    """The robot: cards and keys. Each call returns when the motion has ended."""

    def swipe(self, card: str, speed: str = "500 mm/s", *, acceleration: str | None = None,
              reverse: bool | None = None, face: Literal["front", "back", "upside_down"] | None = None,
              tilt: str | None = None, twice: bool | None = None, lift: str | None = None,
              partial: tuple[str | None, str | None] | None = None,
              stop: tuple[str, Duration] | None = None) -> Sequence[Event]:
        """Swipes the card of that slot now; manner and ranges as in `Case.swipe`."""
        case = Case("by hand").swipe(speed, acceleration=acceleration, reverse=reverse, face=face, tilt=tilt,
                                     twice=twice, lift=lift, partial=partial, stop=stop)
        assert case._swipe is not None
        return self._do((*here(), {"card": card, "swipe": case._swipe[2]}))

    def dip(self, card: str, dwell: Duration, *, depth: str | None = None, speed: str | None = None) -> Sequence[Event]:
        """Puts the card of that slot into the chip slot for `dwell`; as in `Case.dip`."""
        return self._say(card=card, dip=told(dwell=dwell, depth=depth, speed=speed))

    def tap(self, card: str, hold: Duration, *, height: str | None = None) -> Sequence[Event]:
        """Holds the card of that slot to the contactless field for `hold`; as in `Case.tap`."""
        return self._say(card=card, tap=told(hold=hold, height=height))

    def press(self, keys: str) -> Sequence[Event]:
        """Keys by name, separated by one space: "1 2 OK"."""
        return self._say(press=keys)


class Power(_Device):
    """What switches the terminal's power. Each call returns when the rail was measured."""

    def on(self) -> Sequence[Event]:
        """Switches it on."""
        return self._say(power="on")

    def off(self) -> Sequence[Event]:
        """Switches it off; when hands are taken off the bench (`Bench.rest`) it comes back."""
        return self._say(power="off")

    def read(self) -> Sequence[Event]:
        """Reads voltage and current: the event `reading`."""
        return self._say(power="read")

    def brown_out(self, to: str, lasts: Duration, *, fall: Duration | None = None, rise: Duration | None = None,
                  steps: int | None = None) -> Sequence[Event]:
        """Lowers the rail to "3.1 V" for `lasts`; as in `Moment.brown_out`."""
        return self._say(brown_out=told(to=to, lasts=lasts, fall=fall, rise=rise, steps=steps))


class Network(_Device):
    """The path between terminal and host."""

    def set(self, fault: NetworkFault, *, lasts: Duration | None = None, bytes_per_s: int | None = None,
            wait: Duration | None = None) -> Sequence[Event]:
        """What holds from now on ("outage", "rate", "jitter", ...), for `lasts` or until `Bench.mend`; as in
        `Moment.network`. Faults upon a message are steps of a case."""
        return self._say(network=fault, lasts=lasts, bytes_per_s=bytes_per_s, wait=wait)


class Host(_Device):
    """The acquirer's host, where the bench has a test host."""

    def set(self, behaviour: HostBehaviour, *, lasts: Duration | None = None,
            code: str | None = None) -> Sequence[Event]:
        """What it does from now on, until `Bench.mend`; as in `Moment.host`."""
        return self._say(host=behaviour, lasts=lasts, code=code)


class Parts(_Device):
    """The terminal's own parts, where the bench can do it (`rig.requires("parts")`)."""

    def set(self, part: Part, state: PartState, *, which: str | None = None,
            lasts: Duration | None = None) -> Sequence[Event]:
        """The part is in that state, until `Bench.mend`, or for `lasts` (1 us to 600 s); as in `Moment.part`."""
        return self._say(part=part, state=state, which=which, lasts=lasts)


def wait(do: Do, most: Duration, until: str | None = None) -> Sequence[Event]:
    return do((*here(), told(wait=most, until=until)))


def mend(do: Do) -> Sequence[Event]:
    return do((*here(), {"mend": True}))
