"""Ray, started here or found at an address, with our code and settings on every machine of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
#: Read by Ray while it is imported, so said before it is; what the environment already says is left alone.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
}
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402

from interdance.errors import InputError  # noqa: E402

log = logging.getLogger(__name__)

#: What workers on other machines must be told of our environment: where records and unfinished trainings are, and who asks.
CARRIED = (
    *("INTERDANCE_STATE", "INTERDANCE_FLOW_RUN", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"),
    *("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "OMP_NUM_THREADS"),
)


@contextmanager
def connected() -> Iterator[None]:
    """A Ray to work on: the one that ``RAY_ADDRESS`` names, or one of this process's own, which ends with the block.

    A cluster gets our package with the connection, as a module of its runtime environment: nothing but the pinned packages
    need be installed there. Inside a Ray job, or where Ray runs already in this process, that one is used.
    """
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    carried = {name: os.environ[name] for name in CARRIED if name in os.environ}
    if "INTERDANCE_STATE" in carried:  # workers have working folders of their own
        carried["INTERDANCE_STATE"] = str(Path(carried["INTERDANCE_STATE"]).resolve())
    environment: dict[str, object] = {"env_vars": {**SETTINGS, **carried}}
    if address:
        environment["py_modules"] = [str(PACKAGE)]
        environment["excludes"] = ["**/__pycache__", "**/node_modules"]
    try:
        _start(address, environment)
    except ConnectionError as error:
        reason = str(error).splitlines()[0]
        cure = "is it running, and are RAY_AUTH_MODE and RAY_AUTH_TOKEN those of the cluster?"
        raise InputError(f"RAY_ADDRESS={address}: {reason}; {cure}") from None
    log.info("Ray at %s: %s", address or "this process", _what_is_there())
    try:
        yield
    finally:
        ray.shutdown()


def _start(address: str | None, environment: dict[str, object]) -> None:
    ray.init(
        address=address or "local",  # "local", said aloud: left out, a stale cluster file of this machine would be believed
        runtime_env=environment,
        include_dashboard=None if address else True,  # Ray Train asks its dashboard how its own actors are
        log_to_driver=True,
        logging_level=logging.WARNING,
    )


def _what_is_there() -> str:
    have = ray.cluster_resources()
    return f"{len(ray.nodes())} machines, {have.get('CPU', 0):g} CPUs, {have.get('GPU', 0):g} GPUs"
