"""The one exception for what a user did: the command line turns it into one sentence and exit code 2."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used. The message names the file, the place in it and the cure, in one sentence."""
