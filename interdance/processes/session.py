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
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # who asks for no GPU sees none
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # paths of parameters begin at the project
    "RAY_TRAIN_V2_ENABLED": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # or an interrupted search would end as if it were whole
}
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402

from interdance.errors import InputError  # noqa: E402

log = logging.getLogger(__name__)

#: What workers on other machines are told of our environment: where state and records are. No secrets, for Ray logs it all:
#: how to get in there each machine knows itself.
CARRIED = (
    *("INTERDANCE_STATE", "INTERDANCE_FLOW_RUN", "MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "OMP_NUM_THREADS"),
)
SQLITE = "sqlite:///"


@contextmanager
def connected() -> Iterator[None]:
    """A Ray to work on: the one that ``RAY_ADDRESS`` names, or one of this process's own, which ends with the block.

    A cluster gets our package with the connection, as a module of its runtime environment: nothing but the pinned packages
    need be installed there. Inside a Ray job, or where Ray runs already in this process, that one is used.

    Raises
    ------
    InputError
        When no cluster answers at the address, or refuses.
    """
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    environment: dict[str, object] = {"env_vars": {name: os.environ[name] for name in SETTINGS} | _carried()}
    if address:
        environment["py_modules"] = [str(PACKAGE)]
        environment["excludes"] = ["**/__pycache__", "**/node_modules"]
    try:
        _start(address, environment)
    except (ConnectionError, ValueError, RuntimeError) as error:
        if not address:  # a fault of this machine, not of what was asked for
            raise
        reason = next(iter(str(error).splitlines()), type(error).__name__)
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


def require(count: int, cpus: float, gpus: float, what: str) -> None:
    """Refuse what would wait for ever: ``count`` processes (named ``what``) with so many CPUs and GPUs each.

    Raises
    ------
    InputError
        When the machines that are there now have not as many.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    places = 0
    for have in machines:
        fits = [int(have.get(kind, 0) / need) for kind, need in (("CPU", cpus), ("GPU", gpus)) if need]
        places += min(fits, default=count)
    if places < count:
        raise InputError(f"{what} with {cpus:g} CPUs and {gpus:g} GPUs each: there is room for {places} on {_what_is_there()}")


def speak() -> None:
    """Let a worker's log be read: what it writes comes to the driver's."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")


def _carried() -> dict[str, str]:
    """Our environment for workers, who have working folders of their own: with places that hold from any."""
    carried = {name: os.environ[name] for name in CARRIED if name in os.environ}
    if "INTERDANCE_STATE" in carried:
        carried["INTERDANCE_STATE"] = str(Path(carried["INTERDANCE_STATE"]).resolve())
    records = carried.get("MLFLOW_TRACKING_URI", "")
    if records.startswith(SQLITE):
        carried["MLFLOW_TRACKING_URI"] = SQLITE + str(Path(records.removeprefix(SQLITE)).resolve())
    return carried


def _what_is_there() -> str:
    have = ray.cluster_resources()
    return f"{sum(node['Alive'] for node in ray.nodes())} machines, {have.get('CPU', 0):g} CPUs, {have.get('GPU', 0):g} GPUs"
