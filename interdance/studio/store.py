"""What the studio keeps, in one folder of its own: uploads and results, each in a folder named by a random token.

Identities come from here and are looked up here: what a request names is a key of a mapping, never a part of a path.
"""

from __future__ import annotations

import dataclasses
import fcntl
import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

from interdance import config
from interdance.config import StudioParams
from interdance.errors import InputError
from interdance.files import read_json, write_json
from interdance.studio.requests import DanceRequest

logger = logging.getLogger(__name__)

DAY_S = 86_400.0
Kind = Literal["leader", "song"]
State = Literal["open", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Upload:
    """A file that somebody brought, read and found good.

    Attributes
    ----------
    label : str
        What its owner called it.
    file : str
        Its name in the upload's folder, ours.
    seconds : float
    note : str
        What it is, in words.
    created : float
        Seconds since the epoch.
    """

    id: str
    kind: Kind
    label: str
    file: str
    seconds: float
    note: str
    created: float


@dataclass(frozen=True)
class Job:
    """A dance that was asked for, and what became of it.

    Attributes
    ----------
    title, leader, song, model : str
        For people; ``leader`` is empty where the model made its own.
    wish : DanceRequest
        What was asked for, under the name that kept results have it by.
    song_file : str
        Name of the song in the job's folder ``in``.
    error : str
        Why it failed.
    created, ended : float
        Seconds since the epoch; 0 while it has not ended.
    begun : float
        Likewise.
    seconds : float
        That the dance lasts; 0 before it is made.
    followers : list
        ``seed`` and figures of each, the best first.
    """

    id: str
    title: str
    leader: str
    song: str
    model: str
    wish: DanceRequest
    song_file: str
    state: State
    error: str
    created: float
    begun: float
    ended: float
    seconds: float
    followers: list[Any]


class Store:
    """Uploads and jobs on disk, listed in memory; one studio at a time has the folder.

    Raises
    ------
    InputError
        When another one has it.
    """

    def __init__(self, folder: Path, limits: StudioParams) -> None:
        self.folder, self._limits = folder.resolve(), limits
        self._incoming = self.folder / "incoming"
        self.children = self.folder / "children"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise InputError(f"{self.folder}: another studio is open on it; use that one, or end it") from None
        for place in (self._incoming, self.children):  # what a killed studio left
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        for place in (self.folder / "jobs").glob("*/"):
            if not (place / "job.json").exists():  # killed before it was one
                shutil.rmtree(place, ignore_errors=True)
        self.uploads = {item.id: item for item in self._records("uploads", "upload.json", Upload)}
        self.jobs = {item.id: item for item in self._records("jobs", "job.json", Job)}
        for job in list(self.jobs.values()):
            if job.state == "open":
                self.end(job.id, "failed", error="the studio was ended before this was done")
        self.tidy()

    def close(self) -> None:
        """Let another studio have the folder."""
        self._lock.close()

    def _records(self, place: str, name: str, kind: type[Any]) -> list[Any]:
        found = []
        for path in sorted((self.folder / place).glob(f"*/{name}")):
            try:
                record = config.built(kind, read_json(path), str(path))
            except InputError as error:  # of another version, say: it is not ours to remove
                logger.warning("%s", error)
                continue
            if record.id == path.parent.name:
                found.append(record)
        return sorted(found, key=lambda record: record.created)

    # ---------------------------------------------------------------------------------------------------- uploads

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A folder for an upload that comes in; what is in it is gone after the block, unless it was kept."""
        folder = self._incoming / token_hex(8)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, folder: Path, kind: Kind, label: str, file: str, seconds: float, note: str) -> Upload:
        """Make an upload of an incoming folder that holds ``file`` and nothing else."""
        upload = Upload(token_hex(8), kind, label, file, seconds, note, time.time())
        write_json(folder / "upload.json", dataclasses.asdict(upload))
        place = self.folder / "uploads" / upload.id
        place.parent.mkdir(exist_ok=True)
        folder.rename(place)
        self.uploads[upload.id] = upload
        self.tidy()
        return upload

    def file_of(self, upload: Upload) -> Path:
        """Where an upload's file is."""
        return self.folder / "uploads" / upload.id / upload.file

    def remove_upload(self, name: str) -> None:
        """Remove an upload; dances made with it stay."""
        upload = self.uploads.pop(name)
        shutil.rmtree(self.folder / "uploads" / upload.id, ignore_errors=True)

    # ------------------------------------------------------------------------------------------------------- jobs

    def new_folder(self) -> tuple[str, Path]:
        """The identity of a job to be, and its folder."""
        name = token_hex(8)
        folder = self.folder / "jobs" / name
        (folder / "in").mkdir(parents=True)
        return name, folder

    def folder_of(self, job: Job) -> Path:
        """Where a job's files are: what it is made from in ``in``, what came of it in ``out``."""
        return self.folder / "jobs" / job.id

    def save(self, job: Job) -> None:
        """Write down what a job is now."""
        self.jobs[job.id] = job
        write_json(self.folder_of(job) / "job.json", dataclasses.asdict(job))

    def end(self, name: str, state: State, *, error: str = "", log: str = "", **made: Any) -> None:
        """Write down how a job ended; of one that was not done nothing else is left, but the end of a failure's log."""
        job = self.jobs[name]
        folder = self.folder_of(job)
        if state != "done":
            for place in ("in", "out"):
                shutil.rmtree(folder / place, ignore_errors=True)
        if log:
            (folder / "log.txt").write_text(log)
        self.save(dataclasses.replace(job, state=state, error=error, ended=time.time(), **made))
        self.tidy()

    def remove_job(self, name: str) -> None:
        """Remove a job that has ended, and its files."""
        shutil.rmtree(self.folder_of(self.jobs.pop(name)), ignore_errors=True)

    # ------------------------------------------------------------------------------------------------------- both

    def tidy(self) -> None:
        """Remove what is too old or too much; a job that has not ended stays."""
        for states in (("done",), ("failed", "cancelled")):  # what failed pushes no dance out
            for name in self._surplus(job for job in self.jobs.values() if job.state in states):
                self.remove_job(name)
        for name in self._surplus(self.uploads.values()):
            self.remove_upload(name)

    def _surplus(self, records: Iterable[Upload | Job]) -> list[str]:
        oldest = time.time() - self._limits.keep_days * DAY_S
        newest = sorted(records, key=lambda record: record.created, reverse=True)
        return [item.id for place, item in enumerate(newest) if place >= self._limits.keep or item.created < oldest]
