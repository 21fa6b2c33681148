"""What torch asks of a function of its own at every call, told once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def with_signature(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Keep its signature with a forward rule: torch derives it at each call otherwise, which small maps feel.

    >>> with_signature(lambda x: x).__signature__
    <Signature (x)>
    """
    forward.__signature__ = inspect.signature(forward)  # type: ignore[attr-defined]
    return forward
