"""Lines for the person at the terminal: on stderr, each beginning with "wb:"."""

from __future__ import annotations

import sys

_said: set[str] = set()


def say(text: str, *, silent: bool = False) -> None:
    """Writes one line, unless `silent`. A broken stderr is nobody's problem."""
    if silent:
        return
    try:
        print(f"wb: {text}", file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        pass


def say_once(text: str, *, silent: bool = False) -> None:
    """As say(), but each text only once in a process."""
    if text not in _said:
        _said.add(text)
        say(text, silent=silent)
