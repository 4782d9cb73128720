"""A trained model, a leader and a song: the follower of the whole take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from interdance.body.distance import LeaderField
from interdance.body.model import Body
from interdance.config import GuidanceParams, SampleParams
from interdance.diffusion.guidance import Guidance, Mobility
from interdance.diffusion.sampler import sample
from interdance.diffusion.schedule import make_scheduler
from interdance.errors import InputError
from interdance.generation.long import Windows
from interdance.model.signals import Signals
from interdance.representation.canonical import decode, encode
from interdance.representation.layout import LAYOUT, NUM_JOINTS
from interdance.trained import TrainedModel

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Generated:
    """A generated follower, frame by frame with its leader.

    Attributes
    ----------
    points_TP3 : float32 (T, 710, 3)
        World points, metres: 55 joints, then 655 surface vertices.
    contact_TP : float32 (T, 710)
        Predicted contact labels of the follower's points, 0..1.
    leader_contact_TP : float32 (T, 710)
        Predicted contact labels of the leader's points, 0..1.
    """

    points_TP3: np.ndarray
    contact_TP: np.ndarray
    leader_contact_TP: np.ndarray


def without_guidance(params: GuidanceParams) -> GuidanceParams:
    """The same parameters with both terms switched off (Table 6, "none")."""
    return replace(params, contact_scale=0.0, penetration_scale=0.0)


def generate_follower(
    model: TrainedModel,
    body: Body,
    leader_points_TP3: np.ndarray,
    leader_foot_contact_T4: np.ndarray,
    music_TA: np.ndarray,
    *,
    sampling: SampleParams,
    guidance: GuidanceParams,
    seed: int,
    device: str = "cpu",
    report: Progress = lambda done, total: None,
) -> Generated:
    """Generate the follower of a whole take (§4.2; METHOD.md §6).

    Parameters
    ----------
    leader_points_TP3
        Leader's 710 world points, metres, 30 frames per second.
    leader_foot_contact_T4
        Leader's foot-ground labels; see :mod:`interdance.representation.contact`.
    music_TA
        Music features (T, 35), as many frames as the leader.
    seed
        The same seed gives the same follower on a CPU.

    Raises
    ------
    ValueError
        When music and leader differ in length.
    InputError
        When the model is one of duets, which makes its own leader, or cannot do what ``sampling`` asks of its signals.
    """
    num_frames = len(leader_points_TP3)
    if model.params.model.task == "duet":
        raise InputError("model.task: duet: this model makes its own leader and follows no other; train a reactive one")
    if len(music_TA) != num_frames:
        raise ValueError(f"music has {len(music_TA)} frames, the leader {num_frames}")
    denoiser, statistics = model.denoiser.to(device), model.statistics
    signals = Signals(model.params, sampling)
    anchor_P = body.anchor_P
    leader_TC = torch.from_numpy(encode(leader_points_TP3, leader_foot_contact_T4, None, anchor_P)).float().to(device)
    windows = Windows(leader_TC, statistics, window=sampling.window, overlap=sampling.overlap)
    music_WTA = windows.cut(statistics.music.normalise(torch.from_numpy(music_TA).float().to(device)))
    noise_TC = torch.randn(leader_TC.shape, generator=torch.Generator().manual_seed(seed)).to(device)

    leader_contact_TP = torch.zeros(num_frames, leader_points_TP3.shape[1], device=device)

    def denoise(x_n_WTC: Tensor, n: int) -> Tensor:
        nonlocal leader_contact_TP
        n_B = torch.full((sampling.batch,), n, device=device)
        followers, labels = [], []
        for start in range(0, len(windows), sampling.batch):
            part = slice(start, start + sampling.batch)
            x_n = x_n_WTC[part]
            prediction = signals(denoiser, x_n, n_B[: len(x_n)], music_WTA[part], windows.leader_WTC[part])
            followers.append(prediction.follower_BTC)
            labels.append(prediction.leader)
        leader_contact_TP = windows.join(torch.cat(labels))
        return torch.cat(followers)

    refiner: Guidance | None = None
    if guidance.contact_scale > 0 or guidance.penetration_scale > 0:
        surface_TV3 = np.ascontiguousarray(leader_points_TP3[:, NUM_JOINTS:])
        refiner = Guidance(
            torch.from_numpy(leader_points_TP3).float().to(device),
            LeaderField(surface_TV3, body.surface_faces, device=device),
            anchor_P,
            Mobility(statistics.follower.raw_components().to(device), guidance.root_mobility),
            guidance,
        )

    def refine(x0_WTC: Tensor, n: int) -> Tensor:
        follower_TC = windows.merge_follower(x0_WTC, sampling.smoothing)
        if refiner is not None:
            follower_TC = refiner(follower_TC, leader_contact_TP, n)
        return windows.split_follower(follower_TC)

    x0_WTC = sample(
        denoise,
        make_scheduler(model.params.diffusion),
        windows.cut(noise_TC),
        num_steps=sampling.steps,
        refine=refine,
        report=report,
    )
    follower_TC = windows.merge_follower(x0_WTC)
    return Generated(
        points_TP3=decode(follower_TC, anchor_P).float().cpu().numpy(),
        contact_TP=follower_TC[:, LAYOUT["partner_contact"]].clamp(0, 1).cpu().numpy(),
        leader_contact_TP=leader_contact_TP.clamp(0, 1).cpu().numpy(),
    )
