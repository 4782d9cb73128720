"""The flow ``generate``: followers for a leader and a song, as files.

python -m flows.generate --leader leader.bvh --music song.ogg --out out/ --model champion
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.artifacts import create_link_artifact
from pydantic import Field

from flows.command_line import run_from_the_command_line
from flows.tasks import command


@flow(name="generate")
def generate(
    music: str,
    out: str,
    leader: str | None = None,
    model: str | None = None,
    seed: Annotated[int | None, Field(ge=0)] = None,
    num_samples: Annotated[int, Field(ge=1, le=64)] = 1,
    clean: bool = False,
    project: str = ".",
) -> None:
    """Generate the follower for a leader and a song, or with a model of duets a couple for a song.

    Parameters
    ----------
    music, leader : files on the machine of the worker.
    out : folder that the files are written to.
    model : a model folder, or ``champion`` or ``challenger``; by default the project's own.
    seed : of the first follower; the first of ``sample.seeds`` by default.
    num_samples : followers, of whom the best goes first.
    clean : whether feet are locked and jitter is filtered.
    project : as of the pipeline.
    """
    options = ["--music", music, "--out", out, "--num-samples", str(num_samples)]
    options += ["--seed", str(seed)] if seed is not None else []
    options += ["--leader", leader] if leader else []
    options += ["--model", model] if model else []
    options += ["--clean"] if clean else []
    place = Path(project).resolve()
    command.with_options(name="generate")(place, ["generate", *options])
    create_link_artifact((place / out / "duet.html").as_uri(), key="duet", link_text="the couple")


if __name__ == "__main__":
    run_from_the_command_line(generate)
