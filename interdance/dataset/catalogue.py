"""Which takes there are and what is known of each, without opening their motions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from interdance.errors import InputError
from interdance.takes import list_takes, read_facts


@dataclass(frozen=True)
class TakeFacts:
    """One take.

    Attributes
    ----------
    name : str
        ``<set>/<take>``, or ``<take>`` where there is one set alone.
    genre : str
    num_frames : int
    has_follower, has_music : bool
        Only a take with both can be trained on.
    published : str
        Part that the data set itself puts it in, or empty.
    """

    name: str
    genre: str
    num_frames: int
    has_follower: bool = True
    has_music: bool = True
    published: str = ""

    @property
    def lacks(self) -> str:
        """What keeps it from being trained on, or nothing."""
        return "" if self.has_follower and self.has_music else "no follower" if self.has_music else "no song"


def read_catalogue(takes: Path, sets: Collection[str]) -> list[TakeFacts]:
    """Facts of every take of some data sets, ``<takes>/<set>/<take>``, sorted by name.

    Raises
    ------
    InputError
        When there is no take, or the facts of one are incomplete.
    """
    names = [name for name in list_takes(takes) if name.partition("/")[0] in sets]
    if not names:
        raise InputError(f"{takes}: no take in it; run the takes stage, or check 'sets' in params.yaml")
    return [_read(takes, name) for name in names]


def total_frames(takes: Iterable[TakeFacts]) -> int:
    """Frames of all of them."""
    return sum(take.num_frames for take in takes)


def _read(takes: Path, name: str) -> TakeFacts:
    folder = takes / name
    facts = read_facts(folder, genre=str, num_frames=int)
    return TakeFacts(
        name=name,
        genre=facts["genre"],
        num_frames=facts["num_frames"],
        has_follower=(folder / "follower.npz").is_file(),
        has_music=isinstance(facts.get("music"), str),
        published=str(facts.get("split") or ""),
    )
