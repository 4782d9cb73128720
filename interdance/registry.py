"""Models of record, in MLflow's registry: who is champion, who challenges, and which training each of them came from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interdance.config import Paths
from interdance.errors import InputError
from interdance.files import atomic_folder, locked, remove_leftovers
from interdance.tracking import FINGERPRINT_TAG, MODEL_NAME, connect, store_address, store_file

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME = "interdance"
SYSTEM = "interdance"
"""The system of an evaluation that a trained model's figures are those of."""
METRICS, SAMPLES = "metrics", "reports/samples"
"""Where the records of a run have its evaluation and its couples."""
CHAMPION, CHALLENGER = "champion", "challenger"
PREVIOUS_TAG = "previous_champion"
LEAST_NAME = 4  # characters of a run's name that may stand for it
FIGURE = f"evaluate.systems.{SYSTEM}."


@dataclass(frozen=True)
class Training:
    """A recorded training.

    Attributes
    ----------
    fingerprint : of the training.
    run_id, name : MLflow's.
    begun : local time.
    params : parameters by ``section.key``, as text.
    figures : of the reference evaluation, by metric; empty when it was not measured.
    model_id : MLflow's id of the model that was logged last, "" without one.
    """

    fingerprint: str
    run_id: str
    name: str
    begun: datetime
    params: dict[str, str]
    figures: dict[str, float]
    model_id: str

    @property
    def short(self) -> str:
        """The beginning of the fingerprint, as it is shown."""
        return self.fingerprint[:8]


@dataclass(frozen=True)
class Version:
    """A registered model: its number, the run that made it, and the number of the champion before it ("" without one)."""

    number: str
    run_id: str
    previous: str = ""


@contextmanager
def open_registry(paths: Paths) -> Iterator[Registry]:
    """The registry that records of a project go to (:func:`interdance.tracking.store_address`).

    Raises
    ------
    InputError
        When the store does not answer, or refuses.
    """
    from mlflow.exceptions import MlflowException

    paths.state.mkdir(parents=True, exist_ok=True)
    try:
        yield Registry(paths, connect(paths))
    except MlflowException as error:
        raise InputError(f"{store_address(paths)}: {str(error).splitlines()[0]}") from error


class Registry:
    """Trainings and versions; open one with :func:`open_registry`."""

    def __init__(self, paths: Paths, client: MlflowClient) -> None:
        self._paths, self._client = paths, client

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One promotion at a time on this machine."""
        with locked(self._paths.state / "registry.lock"):
            yield

    def trainings(self, experiment: str) -> list[Training]:
        """Every recorded training, the newest first."""
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            return []
        trainings: list[Training] = []
        token = None
        while True:
            page = self._client.search_runs(
                [found.experiment_id], "tags.kind = 'training'", order_by=["attributes.start_time DESC"], page_token=token
            )
            for run in page:
                models = run.outputs.model_outputs if run.outputs else []
                figures = run.data.metrics
                trainings.append(
                    Training(
                        fingerprint=run.data.tags[FINGERPRINT_TAG],
                        run_id=run.info.run_id,
                        name=run.info.run_name,
                        begun=datetime.fromtimestamp(run.info.start_time / 1000),
                        params=dict(run.data.params),
                        figures={key.removeprefix(FIGURE): value for key, value in figures.items() if key.startswith(FIGURE)},
                        model_id=models[-1].model_id if models else "",
                    )
                )
            token = page.token
            if not token:
                return trainings

    def find(self, experiment: str, name: str) -> Training:
        """A training by MLflow's run id, or by the beginning of its fingerprint or run id.

        Raises
        ------
        InputError
            When there is none, or several, or the beginning is too short to mean one.
        """
        if len(name) < LEAST_NAME:
            raise InputError(f"{name}: {LEAST_NAME} characters or more of a training's fingerprint or run id are needed")
        everything = self.trainings(experiment)
        named = [each for each in everything if each.run_id.startswith(name) or each.fingerprint.startswith(name)]
        if len(named) != 1:
            known = ", ".join(each.short for each in (named or everything)[:10])
            raise InputError(f"{name}: {len(named) or 'no'} trainings begin with this; there are: {known or 'none'}")
        return named[0]

    def ranked(self, experiment: str, metric: str, highest: bool) -> list[Training]:
        """The measured trainings, the best in a figure of the reference evaluation first.

        Raises
        ------
        InputError
            When no training has that figure.
        """
        measured = [each for each in self.trainings(experiment) if metric in each.figures]
        if not measured:
            raise InputError(f"{metric}: no training has this figure; measure one with `interdance run`")
        return sorted(measured, key=lambda each: each.figures[metric], reverse=highest)

    def of_alias(self, alias: str) -> Version | None:
        """The version that an alias names; None when it names none."""
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_model_version_by_alias(NAME, alias)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise  # a store that does not answer has not said that there is none
        return Version(str(found.version), found.run_id or "", found.tags.get(PREVIOUS_TAG, ""))

    def register(self, training: Training) -> Version:
        """The version of a training's model; made when there is none yet.

        Raises
        ------
        InputError
            When the training logged no model.
        """
        from mlflow.exceptions import MlflowException

        client, run_id = self._client, training.run_id
        try:
            client.create_registered_model(NAME, description="Followers of InterDance; aliases: champion, challenger.")
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        for version in client.search_model_versions(f"name = '{NAME}'"):
            if version.run_id == run_id:
                return Version(str(version.version), run_id, version.tags.get(PREVIOUS_TAG, ""))
        if not training.model_id:
            cure = "send what waits with `interdance sync`, or train it again with `dvc repro --force --single-item train`"
            raise InputError(f"training {training.short}: no model is logged with it; {cure}")
        model = client.get_logged_model(training.model_id)
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

    def has(self, run_id: str, path: str) -> bool:
        """Whether a file or folder is among what was recorded with a run."""
        above = Path(path).parent.as_posix().strip(".")
        return any(item.path == path for item in self._client.list_artifacts(run_id, above))

    @contextmanager
    def files(self, run_id: str, path: str) -> Iterator[Path]:
        """A file or folder that was recorded with a run, for as long as the block lasts.

        Raises
        ------
        InputError
            When there is none.
        """
        with tempfile.TemporaryDirectory() as place:
            if not self.has(run_id, path):
                raise InputError(f"run {run_id}: no '{path}' is recorded with it; `interdance sync` sends what waits")
            yield Path(self._client.download_artifacts(run_id, path, place))

    def download(self, version: Version, folder: Path) -> None:
        """Bring the model folder of a version into a folder."""
        import mlflow.artifacts

        source = self._client.get_model_version(NAME, version.number).source
        with tempfile.TemporaryDirectory() as place:  # MLflow makes a folder of the source's name in it
            brought = mlflow.artifacts.download_artifacts(source, dst_path=place, tracking_uri=store_address(self._paths))
            shutil.copytree(Path(brought) / "artifacts" / MODEL_NAME, folder, dirs_exist_ok=True)

    def record(self, run_id: str, name: str, content: dict[str, Any]) -> None:
        """Keep a decision with the run it is about."""
        self._client.log_dict(run_id, content, name)


def model_folder(paths: Paths, alias: str) -> Path:
    """The model folder of the version that an alias names, brought here once and kept in the state folder.

    Raises
    ------
    InputError
        When nothing has this alias, or the store does not answer.
    """
    found = registered_model(paths, alias)
    if found is None:
        raise InputError(f"--model {alias}: neither a folder nor the alias of a registered model; see interdance promote")
    return found[1]


def registered_model(paths: Paths, alias: str) -> tuple[Version, Path] | None:
    """The version that an alias names, and its folder as :func:`model_folder` keeps it; None when it names none.

    A local store that is not there yet is not made.

    Raises
    ------
    InputError
        When the store does not answer.
    """
    database = store_file(paths)
    if database is not None and not database.exists():
        return None
    with open_registry(paths) as registry:
        version = registry.of_alias(alias)
        if version is None:
            return None
        place = paths.state / "registered" / f"{version.number}-{version.run_id[:8]}"
        with locked(paths.state / "registered.lock"):
            remove_leftovers(place)
            if not place.exists():
                with atomic_folder(place) as folder:
                    registry.download(version, folder)
    return version, place
