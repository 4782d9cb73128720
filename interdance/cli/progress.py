"""A bar on stderr for work that takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress(title: str) -> Iterator[Callable[..., None]]:
    """Yield what is to be called with what is done, what there is in all and, if there is one, the name of the last."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title)

        def tell(done: int, total: int, name: str = title) -> None:
            bar.update(task, completed=done, total=total, description=name)

        yield tell
