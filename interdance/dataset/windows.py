"""Windows of duets as the network sees them: cut from memory-mapped takes, moved to the leader's frame, normalised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from interdance.config import Params
from interdance.errors import InputError
from interdance.files import read_json
from interdance.representation.base import Representation
from interdance.representation.floor import FloorTransform
from interdance.representation.normalize import Statistics

NUM_MUSIC = 35
LEAST_FRAMES = 3


def cut_leader(
    representation: Representation,
    x_leader: np.ndarray,
    start: int,
    stop: int,
    statistics: Statistics | None,
    keep_contact: bool = False,
) -> tuple[Tensor, Tensor, FloorTransform]:
    """One window of the leader, starting at the origin and facing +Z.

    The partner-contact channels of a given leader are zero: they say where the follower is, which the network is to find
    out; at generation nobody knows them [choice]. Losses get them as the second value.

    Parameters
    ----------
    representation : Representation
        Of the channels.
    x_leader : (frames, C)
        The whole take in the world, un-normalised; may be memory-mapped.
    start, stop : int
        Frames of the window.
    statistics : Statistics or None
        ``None`` leaves the window un-normalised.
    keep_contact : bool
        Whether the leader is generated too (duet task), labels and all.

    Returns
    -------
    The window (T, C); its partner-contact labels (T, H), H = 0 where the representation has none; the transform from
    the world to the window's frame.
    """
    leader = torch.from_numpy(representation.clip(x_leader, start, stop))
    frame = representation.leader_frame(leader)
    leader = representation.rebase(leader, frame)
    labels = representation.layout["partner_contact"]
    contact = leader[:, labels].clone()
    if not keep_contact:
        leader[:, labels] = 0.0
    return (statistics.leader.normalise(leader) if statistics else leader), contact, frame


def cut_follower(
    representation: Representation,
    x_follower: np.ndarray,
    start: int,
    stop: int,
    frame: FloorTransform,
    statistics: Statistics | None,
) -> Tensor:
    """The same window of the follower (T, C), moved by the leader's transform, first yaw in [-pi/2, 3 pi/2)."""
    clip = torch.from_numpy(representation.clip(x_follower, start, stop))
    follower = representation.on_yaw_branch(representation.rebase(clip, frame))
    return statistics.follower.normalise(follower) if statistics else follower


class WindowDataset(Dataset[dict[str, Any]]):
    """Windows at every ``stride`` of the given takes, and of the couples that augmentation makes of them.

    An item holds float32 tensors ``leader`` (T, C), without partner contact unless that is kept, ``follower`` (T, C),
    ``music`` (T, 35), all normalised; ``leader_contact`` (T, H) labels; ``frames`` (T,), which of them are the take's: one
    that is shorter than a window is a window filled up with zeros; ``transform`` (3,) from the world to the window's frame
    (:meth:`FloorTransform.from_tensor`); ``take``, ``genre`` (str) and ``start`` (int), its first frame.

    Arrays are opened memory-mapped when first used, in each worker process by itself.

    Parameters
    ----------
    representation : Representation
        In which the takes are encoded.
    encoded, music : Path
        Folders with ``<take>/{leader,follower}.npy`` and ``<take>/facts.json``, and with ``<take>.npy``.
    takes : sequence of str
        Names.
    statistics : Statistics or None
        ``None`` leaves leader, follower and music un-normalised.
    window, stride : int
        Frames.
    mirror : bool
        Every couple in the mirror, too: ``mirrored/{leader,follower}.npy`` of the encoded take. The music is the same.
    swap_roles : bool
        Every couple with the roles exchanged, too: who follows leads. The leader's statistics normalise whoever leads.
    keep_contact : bool
        As in :func:`cut_leader`.

    Raises
    ------
    InputError
        When an array is missing, has another shape than it should, or a take is too short for its motion to have an
        acceleration.
    """

    def __init__(
        self,
        representation: Representation,
        encoded: Path,
        music: Path,
        takes: Sequence[str],
        statistics: Statistics | None,
        window: int,
        stride: int,
        *,
        mirror: bool = False,
        swap_roles: bool = False,
        keep_contact: bool = False,
    ) -> None:
        if window < LEAST_FRAMES or stride < 1:
            raise InputError(
                f"windows of {window} frames every {stride}: at least {LEAST_FRAMES} frames, every 1 or more, are needed"
            )
        self.representation = representation
        self.encoded, self.music = encoded, music
        self.takes = list(takes)
        self.statistics = statistics
        self.window = window
        self.keep_contact = keep_contact
        self.genres: list[str] = []
        self.starts: list[tuple[int, int]] = []  # index of the take, first frame
        # (mirrored, swapped): the couple itself comes first.
        variants = [(m, s) for s in (False, True)[: 1 + swap_roles] for m in (False, True)[: 1 + mirror]]
        self._arrays: dict[tuple[int, bool], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for index, take in enumerate(self.takes):
            leader, follower, features = self._open(index, mirrored=False)
            num_frames = len(leader)
            for name, array, width in (("follower", follower, representation.width), ("music", features, NUM_MUSIC)):
                if array.shape != (num_frames, width):
                    need = f"({num_frames}, {width})"
                    raise InputError(f"take {take}: {name} has shape {array.shape}, {need} is needed; encode it again")
            if mirror and any(len(dancer) != num_frames for dancer in self._open(index, mirrored=True)[:2]):
                raise InputError(f"take {take}: its image has another length than {num_frames} frames; encode it again")
            if num_frames < LEAST_FRAMES:
                raise InputError(f"take {take}: {num_frames} frames are too few to learn from; leave it out of the split")
            self.genres.append(read_json(encoded / take / "facts.json")["genre"])
            self.starts += [(index, start) for start in range(0, max(1, num_frames - window + 1), stride)]
        self._arrays.clear()
        self._variants = [variant for variant in variants for _ in self.starts]
        self.starts = self.starts * len(variants)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, item: int) -> dict[str, Any]:
        index, start = self.starts[item]
        mirrored, swapped = self._variants[item]
        x_leader, x_follower, features = self._open(index, mirrored)
        if swapped:
            x_leader, x_follower = x_follower, x_leader
        stop = min(start + self.window, len(x_leader))
        kind = self.representation
        leader, contact, frame = cut_leader(kind, x_leader, start, stop, self.statistics, self.keep_contact)
        music = torch.from_numpy(np.array(features[start:stop]))
        rows = {
            "leader": leader,
            "follower": cut_follower(kind, x_follower, start, stop, frame, self.statistics),
            "music": self.statistics.music.normalise(music) if self.statistics else music,
            "leader_contact": contact,
            "frames": torch.ones(stop - start, dtype=torch.bool),
        }
        missing = self.window - (stop - start)
        if missing:
            rows = {name: torch.cat([value, value.new_zeros(missing, *value.shape[1:])]) for name, value in rows.items()}
        return {
            **rows,
            "transform": frame.to_tensor(),
            "take": self.takes[index],
            "genre": self.genres[index],
            "start": start,
        }

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_arrays": {}}

    def _open(self, index: int, mirrored: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if (index, mirrored) not in self._arrays:
            take = self.takes[index]
            folder = self.encoded / take / ("mirrored" if mirrored else "")
            paths = [folder / f"{role}.npy" for role in ("leader", "follower")]
            for path in paths:
                if mirrored and not path.is_file():
                    raise InputError(f"{path}: no such file; run the encode stage again with augment.mirror")
            leader, follower = (open_encoded(path, self.representation) for path in paths)
            self._arrays[index, mirrored] = leader, follower, _open_array(self.music / f"{take}.npy")
        return self._arrays[index, mirrored]


def open_encoded(path: Path, representation: Representation) -> np.ndarray:
    """Map an encoded dancer (frames, C) into memory, read-only. Raises :class:`InputError` for anything else."""
    array = _open_array(path)
    width = representation.width
    if array.ndim != 2 or array.shape[1] != width:
        need = f"(frames, {width}) is needed for {representation.name}"
        raise InputError(f"{path}: shape {array.shape}; {need}, run the encode stage again")
    return array


def _open_array(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run the stages before this one") from None
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not an array that can be mapped ({error}); write it again") from None
    if array.dtype != np.float32:
        raise InputError(f"{path}: holds {array.dtype}, float32 is needed; write it again")
    return array


def windows_of(
    params: Params,
    representation: Representation,
    encoded: Path,
    music: Path,
    takes: Sequence[str],
    statistics: Statistics | None,
    *,
    augmented: bool,
) -> WindowDataset:
    """The windows of takes as ``params`` train on them; ``augmented`` with the couples that ``params.augment`` adds."""
    return WindowDataset(
        representation,
        encoded,
        music,
        takes,
        statistics,
        params.train.window,
        params.train.stride,
        mirror=augmented and params.augment.mirror,
        swap_roles=augmented and params.augment.swap_roles,
        keep_contact=params.model.task == "duet",
    )
