"""Exceptions that wb raises, with wandb's names and hierarchy."""

from __future__ import annotations


class Error(Exception):
    """Base of all errors of wb. `message` is its text."""

    def __init__(self, message: str, context: dict | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.context = context or {}


class UsageError(Error):
    """The call itself is wrong; repeating it does not help."""


class ConfigError(Error):
    """A config value that is set already would change without allow_val_change=True."""


class JournalError(Error):
    """The journal could not be opened. `code` is "permission", "no space", "i/o error", ...; the message has the path."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})" if code not in message else message)
        self.code = code
