"""Marks for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def requires(*what: str) -> pytest.MarkDecorator:
    """The test needs a bench with all of these, and is skipped on others with the reason: "virtual", "parts", "usb",
    "bridge", a source of events ("network", "host", ...), a book ("journal", "ledger") or a card by its slot."""
    import pytest

    return pytest.mark.rig_requires(*what)


def requirement(*ids: str) -> pytest.MarkDecorator:
    """What the test is evidence for; the ids become properties in JUnit files."""
    import pytest

    return pytest.mark.rig_requirement(*ids)
