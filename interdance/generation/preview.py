"""A page that shows, while a model is being trained, what it makes of a take. A record beside the training, no output of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from interdance.body.meeting import meet
from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.body.skeleton import NUM_JOINTS
from interdance.config import Params, Paths
from interdance.dataset.windows import open_encoded
from interdance.device import best_device
from interdance.export.page import write_page
from interdance.generation.generate import generate_couple, generate_follower, without_guidance
from interdance.music.features import BEATS
from interdance.trained import TrainedModel

SHOWN_S = 10.0
"""Seconds of the take."""


def write_preview(path: Path, model: TrainedModel, body: Body, params: Params, paths: Paths, take: str) -> None:
    """A page of the first seconds of a take with what a model makes of it now, without guidance.

    A follower is shown with her leader and beside the true one; a duet model's couple by itself.

    Parameters
    ----------
    path : Path
        The page (.html).
    body : Body
        Of the model's representation.
    paths : Paths
        Where the take is encoded, and its music features.
    take : str
        ``<set>/<take>``.

    Raises
    ------
    InputError
        When the model cannot do what ``sample`` asks of its signals, or what it makes are no numbers.
    """
    kind, fps, num_frames = model.representation, params.data.fps, int(SHOWN_S * params.data.fps)
    music_TA = np.array(np.load(paths.music / f"{take}.npy", mmap_mode="r", allow_pickle=False)[:num_frames])
    sampling, seed, device = params.sample, params.sample.seeds[0], best_device()
    if params.model.task == "duet":
        couple = generate_couple(model, music_TA, sampling=sampling, seed=seed, device=device)
        points = {"Leader": couple.leader_TP3, "Follower": couple.follower_TP3}
    else:
        leader_TC, follower_TC = (
            np.array(open_encoded(paths.encoded / take / f"{role}.npy", kind)[:num_frames]) for role in ("leader", "follower")
        )
        guidance = without_guidance(params.guidance)
        made = generate_follower(
            model, body, leader_TC, music_TA, sampling=sampling, guidance=guidance, seed=seed, device=device
        )
        leader_TP3, true_TP3 = (kind.complete(torch.from_numpy(x_TC)) for x_TC in (leader_TC, follower_TC))
        points = {"Leader": leader_TP3, "Follower": made.points_TP3, "True follower": true_TP3}
    dancers = {name: fit_motion(points_TP3, body, fps=fps)[0] for name, points_TP3 in points.items()}
    leader, leader_TV3 = dancers.pop("Leader"), points.pop("Leader")[:, NUM_JOINTS:]
    meetings = {
        name: meet(leader_TV3, points_TP3[:, NUM_JOINTS:], body.surface_faces, params.evaluate.contact_distance)
        for name, points_TP3 in points.items()
    }
    title, beats = f"{take}, {path.stem.replace('_', ' ')}", np.flatnonzero(music_TA[:, BEATS]) / fps
    write_page(path, leader, dancers, body, None, title=title, meetings=meetings, beats=beats)
