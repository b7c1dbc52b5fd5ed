"""Cases for a test rig that answers one question: a card was swiped and nothing came back - was the money taken, and
whose fault was it?

>>> import swiperig as rig
>>> case = rig.Case("response lost", amount="12.34", card="debit")
>>> _ = case.swipe(speed="500 mm/s")
>>> _ = case.on("response_entered").cut_network(lasts="60 s")
>>> with rig.virtual_bench(out=scratch) as bench:
...     result = bench.run(case)
>>> result.outcome, result.cause, result.money.balanced
('pass', 'network', True)
>>> print(result.money)
no money was taken: told UNKNOWN 12.34, journal nothing, ledger reversed 12.34

Quantities are text with a unit ("500 mm/s", "60 s"), durations also `datetime.timedelta`; a bare number is refused with
the choices. What is refused is refused before anything moves, as `Refused`, with the file and line that said it.
"""

from typing import TYPE_CHECKING, Any

from ._core import Refused, RigFault, TraceError
from .bench import Bench, connect, open_bench, virtual_bench
from .case import Case, Moment
from .events import Event, Events
from .follow import follow
from .marks import requirement, requires
from .result import Diagnosis, Finding, Money, MoneyRow, Result, Run
from .trace import Trace, open_trace

if TYPE_CHECKING:
    from . import strategies

__all__ = [
    "Bench", "Case", "Diagnosis", "Event", "Events", "Finding", "Moment", "Money", "MoneyRow", "Refused",
    "Result", "RigFault", "Run", "Trace", "TraceError", "connect", "follow", "open_bench",
    "open_trace", "requirement", "requires", "virtual_bench",
]
__version__ = "0.1.0"

for _raised, _text in (
    (Refused, "Nothing has moved: what was said is wrong, or the bench cannot do it. Says file and line."),
    (RigFault, "The rig's own equipment failed, which says nothing about the terminal."),
    (TraceError, "A trace cannot be read or written; says the file and the place of the damage."),
):
    _raised.__module__, _raised.__doc__ = __name__, _text


def __getattr__(name: str) -> Any:
    if name == "strategies":  # needs Hypothesis, which nothing else does
        import importlib

        return importlib.import_module(".strategies", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
