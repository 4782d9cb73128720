"""The one exception for what a user did: the command line turns it into one sentence and exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InputError(ValueError):
    """Input that cannot be used. The message names the file, the place in it and the cure, in one sentence."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file in front of the sentences of an :class:`InputError` that do not name it."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
