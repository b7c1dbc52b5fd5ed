"""Hypothesis strategies: whole random schedules, which shrink to the smallest case that still fails.

>>> from hypothesis import given
>>> @given(case=cases(most_faults=2))
... def test_money_is_safe(case):
...     assert bench.run(case).money.balanced

A case shrinks to fewer faults, then each fault to an earlier line of its table, the first occurrence and no delay; the
falsifying example is printed as the Python that makes it. Open the bench once, outside of the test: what it does with
a case depends on the case and its seed alone, as Hypothesis needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from hypothesis import strategies as st

from . import _core
from .case import Case

_WORDS = _core.words()
_MESSAGES = ("request_entered", "response_entered", "reversal_entered", "reversal_response_entered", "logon_entered",
             "logon_response_entered", "settlement_entered", "settlement_response_entered")
_MOMENTS = ("request_entered", "response_entered", "request_left", "request_at_host", "committed", "response_left",
            "card_wanted", "card_read", "connected", "told", "printed", "reversal_entered", "reversal_response_entered",
            "start", "settlement_entered")
_UPON_MESSAGE = ("drop", "delay", "reset", "fin", "cut", "duplicate", "reorder", "alter")
_UPON_ALL = ("outage", "jitter", "rate", "unanswered", "refused", "unresolved", "accept_reset", "accept_slow")
_HOST = ("silent", "commit_silent", "decline", "reset", "slow", "late", "truncated", "wrong_mac", "forged_unsigned",
         "forged_mac", "forged_stan", "forged_amount", "forged_terminal", "replayed", "duplicated", "wrong_mti",
         "damaged", "issuer_silent", "die_before_commit", "die_after_commit", "refuse", "maintenance")


@dataclass(frozen=True)
class Fault:
    """A step that is not part of a case yet."""

    when: str
    nth: int
    after: str | None
    verb: str  #: a method of `Moment`
    said: tuple[str, ...]
    words: tuple[tuple[str, Any], ...] = ()

    def add_to(self, case: Case) -> Case:
        """The case with this step; returns the case."""
        moment: Any = case.on(self.when, nth=self.nth, after=self.after)  # type: ignore[arg-type]
        done: Case = getattr(moment, self.verb)(*self.said, **dict(self.words))
        return done

    @property
    def message(self) -> tuple[str, int] | None:
        """The message that it is decided upon, which can meet but one fault."""
        return (self.when, self.nth) if self.when.endswith("_entered") and self.after is None else None


def _ms(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda n: f"{n} ms")


def _upon_message(kind: str) -> st.SearchStrategy[tuple[tuple[str, Any], ...]]:
    words: dict[str, st.SearchStrategy[Any]] = {
        "delay": st.tuples(st.tuples(st.just("lasts"), _ms(1, 20_000))),
        "cut": st.tuples(st.tuples(st.just("bytes"), st.integers(1, 200))),
        "alter": st.tuples(st.tuples(st.just("what"), st.sampled_from(("mac", "stan", "amount", "terminal", "code")))),
    }
    return words.get(kind, st.just(()))


def _upon_all(kind: str) -> st.SearchStrategy[tuple[tuple[str, Any], ...]]:
    lasts = st.tuples(st.just("lasts"), _ms(1, 40_000))
    if kind in ("jitter", "accept_slow"):
        return st.tuples(st.tuples(st.just("wait"), _ms(1, 8_000)), lasts)
    if kind == "rate":
        return st.tuples(st.tuples(st.just("bytes_per_s"), st.integers(10, 100_000)), lasts)
    return st.tuples(lasts)


def _host_words(name: str) -> st.SearchStrategy[tuple[tuple[str, Any], ...]]:
    if name in ("slow", "late"):
        return st.tuples(st.tuples(st.just("lasts"), _ms(1, 40_000)))
    return st.just(())


@st.composite
def _network_upon_message(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(_UPON_MESSAGE))
    return Fault(draw(st.sampled_from(_MESSAGES)), draw(st.integers(1, 2)), None, "network", (kind,),
                 draw(_upon_message(kind)))


@st.composite
def _at_a_moment(draw: st.DrawFn, verb: str) -> Fault:
    when = draw(st.sampled_from(_MOMENTS))
    nth = draw(st.integers(1, 2))
    after = draw(st.none() | _ms(1, 3_000))
    if verb == "network":
        kind = draw(st.sampled_from(_UPON_ALL))
        return Fault(when, nth, after, verb, (kind,), draw(_upon_all(kind)))
    if verb == "host":
        name = draw(st.sampled_from(_HOST))
        return Fault(when, nth, after, verb, (name,), draw(_host_words(name)))
    return Fault(when, nth, after, verb, ())


@st.composite
def _part_fault(draw: st.DrawFn) -> Fault:
    rows = [(part, state) for part, states in _WORDS["parts"].items() for state in states]
    part, state = draw(st.sampled_from(rows))
    lasts = draw(st.none() | _ms(1, 20_000))
    return Fault(draw(st.sampled_from(_MOMENTS)), draw(st.integers(1, 2)), draw(st.none() | _ms(1, 3_000)), "part",
                 (part, state), () if lasts is None else (("lasts", lasts),))


def faults(*, parts: bool = False) -> st.SearchStrategy[Fault]:
    """One disturbance: of a message, of the network, of the power, of the host; with `parts` also of the terminal's
    own parts, which needs a bench that can do it. The simplest is a request that is dropped."""
    kinds = [_network_upon_message(), _at_a_moment("cut_power"), _at_a_moment("network"), _at_a_moment("host")]
    return st.one_of([*kinds, _part_fault()] if parts else kinds)


def _apart(faulty: list[Fault]) -> bool:
    messages = [fault.message for fault in faulty if fault.message is not None]
    return len(messages) == len(set(messages))


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    most_faults: int = 3,
    cards: Sequence[str] = ("debit", "credit"),
    parts: bool = False,
) -> Case:
    """A sale, 1.00 to 999.99, swiped as a cashier does it (200 to 1200 mm/s), with up to `most_faults` faults. It
    claims no cause; a fault whose moment never comes leaves it inconclusive, so assert on the money."""
    amount = draw(st.integers(100, 99_999))
    case = Case("random", amount=f"{amount // 100}.{amount % 100:02d}", card=draw(st.sampled_from(tuple(cards))),
                must=["card_wanted"])
    case.swipe(speed=f"{draw(st.integers(200, 1200))} mm/s")
    for fault in draw(st.lists(faults(parts=parts), max_size=most_faults).filter(_apart)):
        fault.add_to(case)
    return case
