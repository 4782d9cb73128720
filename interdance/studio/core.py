"""The studio without its web pages: what can be asked of it, and what it answers."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from interdance.config import Params, Paths
from interdance.errors import InputError
from interdance.files import link_copy, remove_leftovers
from interdance.mocap.mapping import shipped_mappings
from interdance.studio.forms import FOLLOWER_FORMS, FORMS, Form, find_form
from interdance.studio.jobs import BusyError, JobQueue, Outcome, Reader, Work
from interdance.studio.requests import (
    PROJECT,
    REGISTERED,
    Model,
    check_model,
    check_seconds,
    default_request,
    label_of,
    limits,
    read_request,
    with_request,
)
from interdance.studio.sources import Source, all_sources, find_source, suffix_of
from interdance.studio.store import Job, Kind, Store, Upload

logger = logging.getLogger(__name__)

FRESH_S = 10.0
"""Seconds for which what was found out about models is believed."""
WAIT_S = 10.0
"""Seconds for which somebody who asks for models waits for the registered ones; then they are said to be coming."""
FETCH_S = 900.0
"""Seconds that bringing registered models here may take."""
COMING = tuple(Model(name, label, "is being looked for; a moment", None, is_coming=True) for name, label in REGISTERED.items())
LEADER = "leader.npz"
FIGURES = ("contact_frequency", "penetration_rate", "beat")


class UnknownError(Exception):
    """Nothing has this name (any more)."""


class Studio:
    """Uploads, models, jobs of a project. Between :meth:`open` and :meth:`close`, in one event loop, it has processes.

    Raises
    ------
    InputError
        When another studio has the project's state.
    """

    def __init__(self, root: Path, params: Params) -> None:
        self.params, self.paths = params, Paths(root)
        self.store = Store(self.paths.state / "studio", params.studio)
        self._queue = JobQueue(self.store.children, params.studio)
        self._reader = Reader(self.store.children, params.studio)
        self._works: dict[str, Work] = {}  # job -> the dance that is being made
        self._forms: dict[tuple[str, str], Work] = {}  # job, file -> the form that is being made
        self._form_errors: dict[tuple[str, str], str] = {}
        self._num_uploads = 0
        self._finder = Reader(self.store.children, params.studio)  # of registered models: their store may be slow
        self._own: Model | None = None
        self._registered: tuple[Model, ...] = COMING
        self._finding: asyncio.Task[None] | None = None
        self._looked = -FRESH_S
        self._looking = asyncio.Lock()

    async def open(self) -> None:
        """Start its processes."""
        await self._reader.open()
        await self._finder.open()
        self._queue.open()

    async def close(self) -> None:
        """End all of its processes; what they were doing is marked as not done."""
        if self._finding is not None:
            self._finding.cancel()
            await asyncio.wait({self._finding})
        await self._queue.close()
        await self._reader.close()
        await self._finder.close()

    # ------------------------------------------------------------------------------------------------ to choose from

    def options(self) -> dict[str, Any]:
        """What the page needs to know once: defaults, ranges, mappings, how much is taken in and kept."""
        most = self.params.studio
        return {
            "defaults": asdict(default_request(self.params)),
            "limits": limits(self.params),
            "mappings": list(shipped_mappings()),
            "upload_mb": most.upload_mb,
            "longest_s": most.longest_s,
            "longest_song_s": most.longest_song_s,
            "tolerance_s": self.params.music.tolerance_s,
            "keep": most.keep,
            "keep_days": most.keep_days,
        }

    def sources(self) -> list[dict[str, Any]]:
        """Leaders and songs."""
        keys = ("id", "kind", "label", "note", "seconds")
        return [{key: getattr(source, key) for key in keys} for source in all_sources(self.paths, self.store)]

    async def models(self) -> list[Model]:
        """The models, also those that cannot be used; the project's own never waits for the store of the registered ones."""
        async with self._looking:  # whoever comes meanwhile gets the same answer
            if self._own is None or time.monotonic() - self._looked > FRESH_S:
                if self._finding is None or self._finding.done():
                    self._finding = asyncio.create_task(self._find_registered())
                try:
                    found = await self._reader.ask(
                        *("model", self.params, {}, PROJECT), cure="try again in a moment", root=str(self.paths.root)
                    )
                    self._own = Model(**found)
                except InputError as error:
                    self._own = Model("project", PROJECT, str(error), None)
                await asyncio.wait({self._finding}, timeout=WAIT_S)
                self._looked = time.monotonic()
            return [self._own, *self._registered]

    async def _find_registered(self) -> None:
        try:
            cure = "bring it here with `interdance generate --model champion`, or see why its store is slow"
            found = await self._finder.ask(
                *("registered", self.params, {}, "registered models", FETCH_S, cure), root=str(self.paths.root)
            )
            self._registered = tuple(Model(**item) for item in found)
        except InputError as error:
            self._registered = tuple(Model(name, label, str(error), None) for name, label in REGISTERED.items())
        except Exception as error:  # whatever it is, the project's own model can be used
            logger.exception("registered models")
            why = f"cannot be looked for ({type(error).__name__})"
            self._registered = tuple(Model(name, label, why, None) for name, label in REGISTERED.items())

    # ------------------------------------------------------------------------------------------------------- uploads

    async def upload(self, kind: Kind, name: str, mapping: str, receive: Callable[[Path], Awaitable[int]]) -> Upload:
        """Take a file in: ``receive`` writes it to a path, and nothing of it is left when it is refused.

        Raises
        ------
        BusyError
            When as many come in as may.
        InputError
            When it cannot be used; the sentence says why.
        """
        label, most = label_of(name), self.params.studio.uploads
        if mapping and mapping not in shipped_mappings():
            raise InputError(f"mapping: no such one; known: {', '.join(shipped_mappings())}")
        if self._num_uploads >= most:
            raise BusyError(f"{most} files are coming in already; try again in a moment")
        self._num_uploads += 1
        try:
            with self.store.incoming() as folder:
                return await self._taken_in(folder, kind, label, mapping, receive)
        finally:
            self._num_uploads -= 1

    async def _taken_in(
        self, folder: Path, kind: Kind, label: str, mapping: str, receive: Callable[[Path], Awaitable[int]]
    ) -> Upload:
        raw = folder / "raw"
        if not await receive(raw):
            raise InputError(f"{label}: is empty (0 bytes); choose another file")
        suffix = suffix_of(raw, kind, label)
        given = raw.rename(folder / f"given{suffix}")
        names = {given: label}
        if kind == "song":
            facts = await self._reader.ask("song", self.params, names, label, path=str(given), label=label)
            song = given.rename(folder / f"song{suffix}")
            return self.store.keep(folder, kind, label, song.name, facts["seconds"], f"{facts['rate'] / 1000:g} kHz")
        out = folder / "leader.npz"
        facts = await self._reader.ask(
            "leader", self.params, names, label, path=str(given), label=label, out=str(out), mapping=mapping
        )
        given.unlink()
        note = f"{facts['frames']} frames, file has {facts['fps']:.5g} per second, skeleton {facts['skeleton']}"
        return self.store.keep(folder, kind, label, out.name, facts["seconds"], note)

    def remove_upload(self, name: str) -> None:
        """Remove an upload. Raises :class:`UnknownError` when there is none."""
        if name not in self.store.uploads:
            raise UnknownError("there is no such upload (any more)")
        self.store.remove_upload(name)

    # ---------------------------------------------------------------------------------------------------------- jobs

    def jobs(self) -> list[dict[str, Any]]:
        """Every job for the page, the newest first."""
        jobs = sorted(self.store.jobs.values(), key=lambda job: job.created, reverse=True)
        return [self.described(job) for job in jobs]

    def job(self, name: str) -> Job:
        """A job. Raises :class:`UnknownError` when there is none."""
        try:
            return self.store.jobs[name]
        except KeyError:
            raise UnknownError("there is no such dance (any more)") from None

    def described(self, job: Job) -> dict[str, Any]:
        """A job for the page."""
        told: dict[str, Any] = asdict(job)
        del told["song_file"]
        if (work := self._works.get(job.id)) is not None:
            told |= {"progress": self._progress(work), "begun": work.begun or 0.0}
        if job.state == "done":
            told["forms"] = [self._described_form(job, form) for form in FORMS]
            told["follower_forms"] = [{"file": form.file, "label": form.label} for form in FOLLOWER_FORMS]
        return told

    def _described_form(self, job: Job, form: Form) -> dict[str, Any]:
        place, key = self.store.folder_of(job) / "out" / form.file, (job.id, form.file)
        told: dict[str, Any] = {"file": form.file, "label": form.label, "bytes": None}
        if place.is_file():
            told["bytes"] = place.stat().st_size
        if (work := self._forms.get(key)) is not None:
            told["progress"] = self._progress(work)
        if key in self._form_errors:
            told["error"] = self._form_errors[key]
        return told

    def _progress(self, work: Work) -> dict[str, Any]:
        return {"what": work.what, "share": work.share, "before": self._queue.place(work)}

    async def submit(self, values: Any) -> Job:
        """Have a dance made.

        Raises
        ------
        InputError
            When what is asked for is not possible.
        BusyError
            When as many wait as may.
        """
        request = read_request(values, self.params)
        model = next((item for item in await self.models() if item.id == request.model), None)
        if model is None:
            raise InputError("model: no such one; choose another")
        check_model(request, model)
        song = find_source(request.song, "song", self.paths, self.store)
        leader = find_source(request.leader, "leader", self.paths, self.store) if request.leader else None
        self._check_lengths(leader, song)
        name, folder = self.store.new_folder()
        job = Job(
            id=name,
            title=_stem((leader or song).label),
            leader=leader.label if leader else "",
            song=song.label,
            model=f"{model.label}, {model.note}",
            wish=request,
            song_file=f"song{song.path.suffix}",
            state="open",
            error="",
            created=time.time(),
            begun=0.0,
            ended=0.0,
            seconds=0.0,
            followers=[],
        )
        try:
            link_copy(song.path, folder / "in" / job.song_file)
            if leader is not None:
                link_copy(leader.path, folder / "in" / LEADER)
            self.store.save(job)
            self._works[name] = self._work_of(job, str(model.folder))
            await self._queue.put(self._works[name])
        except BaseException:
            self._works.pop(name, None)
            self.store.jobs.pop(name, None)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return job

    def _work_of(self, job: Job, model: str) -> Work:
        folder, request = self.store.folder_of(job), job.wish
        leader, song = folder / "in" / LEADER, folder / "in" / job.song_file
        arguments = {
            "leader": str(leader) if job.leader else "",
            "song": str(song),
            "out": str(folder / "out"),
            "model": model,
            "seed": request.seed,
            "followers": request.followers,
            "clean": request.clean,
            "title": job.title,
            "facts": {
                "leader": job.leader or None,
                "music": job.song,
                "model": job.model,
                "steps": request.steps,
                "contact_scale": request.contact_scale,
                "penetration_scale": request.penetration_scale,
            },
        }
        names = {leader: job.leader, song: job.song, **self._root_name()}
        return Work("dance", with_request(self.params, request), names, arguments, partial(self._ended, job.id))

    def _root_name(self) -> dict[Path, str]:
        """What the project's folder is called: where it lies is nobody's business."""
        root = self.paths.root.resolve()
        return {root: "."} if root.name else {}

    def _check_lengths(self, leader: Source | None, song: Source) -> None:
        dance = leader or song
        check_seconds(dance.label, "dance", dance.seconds, self.params.studio.longest_s)
        if leader is not None and song.seconds < leader.seconds - self.params.music.tolerance_s:
            raise InputError(
                f"{song.label}: the song lasts {song.seconds:.1f} s and the dance {leader.seconds:.1f} s; choose a longer song"
            )

    def _ended(self, name: str, outcome: Outcome) -> None:
        begun = self._works.pop(name).begun or 0.0
        if outcome.is_cancelled:
            self.store.end(name, "cancelled", begun=begun)
        elif outcome.error:
            self.store.end(name, "failed", error=outcome.error, log=outcome.log, begun=begun)
        else:
            made = outcome.done
            followers = [{key: item[key] for key in ("seed", *FIGURES)} for item in made.get("samples", [made])]
            self.store.end(name, "done", begun=begun, seconds=made["frames"] / made["fps"], followers=followers)

    async def cancel(self, name: str) -> Job:
        """End a dance that waits or is being made; when this returns nothing of it runs."""
        self.job(name)
        if (work := self._works.get(name)) is not None:
            await self._queue.cancel(work)
        return self.job(name)

    async def remove_job(self, name: str) -> None:
        """Remove a dance with its files; one that is being made is ended first."""
        await self.cancel(name)
        for job, file in list(self._forms):
            if job == name:
                await self.cancel_form(name, file)
        if name in self.store.jobs:  # nobody was faster
            self.store.remove_job(name)

    # --------------------------------------------------------------------------------------------------------- forms

    async def make_form(self, name: str, file: str) -> None:
        """Have a form made that no run leaves.

        Raises
        ------
        UnknownError, BusyError
        """
        job, form, key = self.job(name), find_form(file), (name, file)
        if job.state != "done" or form is None or form.write is None:
            raise UnknownError("this dance cannot be had in this form")
        folder = self.store.folder_of(job)
        if key in self._forms or (folder / "out" / file).is_file():
            return
        self._form_errors.pop(key, None)
        song = folder / "in" / job.song_file
        arguments = {"file": file, "folder": str(folder / "out"), "song": str(song)}
        work = Work("form", self.params, {song: job.song, **self._root_name()}, arguments, partial(self._form_ended, key))
        self._forms[key] = work
        try:
            await self._queue.put(work)
        except BusyError:
            del self._forms[key]
            raise

    async def cancel_form(self, name: str, file: str) -> None:
        """End the making of a form."""
        if (work := self._forms.get((name, file))) is not None:
            await self._queue.cancel(work)

    def _form_ended(self, key: tuple[str, str], outcome: Outcome) -> None:
        del self._forms[key]
        name, file = key
        self._form_errors = {each: error for each, error in self._form_errors.items() if each[0] in self.store.jobs}
        if name not in self.store.jobs:
            return
        folder = self.store.folder_of(self.job(name))
        remove_leftovers(folder / "out" / file)
        if outcome.error:
            self._form_errors[key] = outcome.error
        if outcome.log:
            (folder / "log.txt").write_text(outcome.log)

    def file(self, name: str, file: str, seed: int | None = None) -> tuple[Path, Form, str]:
        """A file of a result, of the follower with that seed, or of the best: its place, its form, and a name to save it by.

        Raises
        ------
        UnknownError
            When there is none.
        """
        job, form = self.job(name), find_form(file)
        if job.state != "done" or form is None:
            raise UnknownError("there is no such file (any more)")
        folder = self.store.folder_of(job) / "out"
        best = job.followers[0]["seed"]
        if seed is not None and seed != best:
            if form not in FOLLOWER_FORMS or seed not in [item["seed"] for item in job.followers]:
                raise UnknownError("there is no such file (any more)")
            folder = folder / f"sample_{seed}"
        place = folder / form.file
        if not place.is_file():
            raise UnknownError("there is no such file (any more)")
        plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in job.title)
        return place, form, f"{plain}_{best if seed is None else seed}_{form.file}"


def _stem(label: str) -> str:
    """A label without what looks like a suffix."""
    return label.rpartition(".")[0] or label
