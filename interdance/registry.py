"""Models of record, in MLflow's registry: who is champion, who challenges, and which training each of them came from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interdance.config import Paths
from interdance.errors import InputError
from interdance.files import atomic_folder, locked
from interdance.tracking import connect, store_address

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

NAME = "interdance"
CHAMPION, CHALLENGER = "champion", "challenger"
PREVIOUS_TAG = "previous_champion"
DENOISER = Path("artifacts") / "denoiser"
"""Where the model folder of a training lies in what is logged of it."""


@dataclass(frozen=True)
class Version:
    """A registered model: its number, the run that made it, and the number of the champion before it ("" without one)."""

    number: str
    run_id: str
    previous: str = ""


class Registry:
    """The registry that records of a project go to (:func:`interdance.tracking.store_address`)."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._client: MlflowClient = connect(paths)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One promotion at a time on this machine."""
        with locked(self._paths.state / "registry.lock"):
            yield

    def find(self, experiment: str, name: str) -> Run:
        """A training by MLflow's run id, or by the beginning (4 characters or more) of its fingerprint or run id.

        Raises
        ------
        InputError
            When there is none, or several.
        """
        runs = [
            run
            for run in self.trainings(experiment)
            if len(name) >= 4 and (run.info.run_id.startswith(name) or run.data.tags["fingerprint"].startswith(name))
        ]
        if len(runs) != 1:
            known = ", ".join(run.data.tags["fingerprint"][:8] for run in (runs or self.trainings(experiment))[:10])
            raise InputError(f"--run {name}: {len(runs) or 'no'} trainings have this name; there are: {known or 'none'}")
        return runs[0]

    def best(self, experiment: str, metric: str, highest: bool) -> Run:
        """The measured training that is best in a figure of the reference evaluation, ``evaluate.systems.interdance.<metric>``.

        Raises
        ------
        InputError
            When no training has that figure.
        """
        key = f"evaluate.systems.interdance.{metric}"
        measured = [run for run in self.trainings(experiment) if key in run.data.metrics]
        if not measured:
            raise InputError(f"--best {metric}: no training has this figure; measure one with `interdance run`")
        return sorted(measured, key=lambda run: run.data.metrics[key], reverse=highest)[0]

    def trainings(self, experiment: str) -> list[Run]:
        """Every recorded training, the newest first."""
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            return []
        wanted = "tags.kind = 'training'"
        runs: list[Run] = []
        page = self._client.search_runs([found.experiment_id], wanted, order_by=["attributes.start_time DESC"])
        while True:
            runs += page
            if not page.token:
                return runs
            page = self._client.search_runs(
                [found.experiment_id], wanted, order_by=["attributes.start_time DESC"], page_token=page.token
            )

    def of_alias(self, alias: str) -> Version | None:
        """The version that an alias names."""
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_model_version_by_alias(NAME, alias)
        except MlflowException:
            return None
        return Version(str(found.version), found.run_id or "", found.tags.get(PREVIOUS_TAG, ""))

    def register(self, run: Run) -> Version:
        """The version of a training's model; made when there is none yet.

        Raises
        ------
        InputError
            When the training logged no model.
        """
        from mlflow.exceptions import MlflowException

        client, run_id = self._client, run.info.run_id
        with suppress(MlflowException):  # it is there
            client.create_registered_model(NAME, description="Followers of InterDance; aliases: champion, challenger.")
        for version in client.search_model_versions(f"name = '{NAME}'"):
            if version.run_id == run_id:
                return Version(str(version.version), run_id, version.tags.get(PREVIOUS_TAG, ""))
        logged = run.outputs.model_outputs if run.outputs else []
        if not logged:
            raise InputError(f"run {run_id}: no model is logged with it; train it again with `interdance run train`")
        model = client.get_logged_model(logged[-1].model_id)
        # Its place, not models:/<id>: MLflow would look that up in the store that is global to the process.
        made = client.create_model_version(NAME, model.artifact_location, run_id=run_id, model_id=model.model_id)
        return Version(str(made.version), run_id)

    def move(self, alias: str, version: Version, tags: Mapping[str, str]) -> None:
        """Let an alias name a version, and write down why."""
        for key, value in tags.items():
            self._client.set_model_version_tag(NAME, version.number, key, value[:5000])
        self._client.set_registered_model_alias(NAME, alias, version.number)

    def drop(self, alias: str, version: Version) -> None:
        """Take an alias away from a version that has it."""
        held = self.of_alias(alias)
        if held is not None and held.number == version.number:
            self._client.delete_registered_model_alias(NAME, alias)

    def version(self, number: str) -> Version:
        """A version by its number."""
        found = self._client.get_model_version(NAME, number)
        return Version(str(found.version), found.run_id or "", found.tags.get(PREVIOUS_TAG, ""))

    @contextmanager
    def files(self, run_id: str, folder: str) -> Iterator[Path]:
        """A folder of a run's artefacts, for as long as the block lasts.

        Raises
        ------
        InputError
            When the run has no such folder.
        """
        with tempfile.TemporaryDirectory() as place:
            above = Path(folder).parent.as_posix().strip(".")
            if not any(item.path == folder for item in self._client.list_artifacts(run_id, above)):
                raise InputError(f"run {run_id}: no '{folder}' is recorded with it; measure it with `interdance run`")
            yield Path(self._client.download_artifacts(run_id, folder, place))

    def download(self, version: Version, folder: Path) -> None:
        """Bring what is logged of a version into a folder."""
        import mlflow.artifacts

        source = self._client.get_model_version(NAME, version.number).source
        with tempfile.TemporaryDirectory() as place:  # MLflow makes a folder of the source's name in it
            brought = mlflow.artifacts.download_artifacts(source, dst_path=place, tracking_uri=store_address(self._paths))
            shutil.copytree(brought, folder, dirs_exist_ok=True)

    def record(self, run_id: str, name: str, content: dict[str, Any]) -> None:
        """Keep a decision with the run it is about."""
        self._client.log_dict(run_id, content, name)


def model_folder(paths: Paths, alias: str) -> Path:
    """The model folder of the version that an alias names, brought here once and kept in the state folder.

    Raises
    ------
    InputError
        When nothing has this alias.
    """
    registry = Registry(paths)
    version = registry.of_alias(alias)
    if version is None:
        raise InputError(f"--model {alias}: neither a folder nor the alias of a registered model; see interdance promote")
    place = paths.state / "registered" / f"{version.number}-{version.run_id[:8]}"
    if not place.exists():
        with atomic_folder(place) as folder:
            registry.download(version, folder)
    return place / DENOISER
