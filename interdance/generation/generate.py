"""A trained model and a song, with a leader: the follower of the whole take; without: the couple."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from interdance.body.coap import CoapDepth
from interdance.body.distance import LeaderField, TrackedDepth
from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.config import GuidanceParams, SampleParams
from interdance.diffusion.guidance import Guidance, ways_to_move
from interdance.diffusion.sampler import Draw, sample
from interdance.diffusion.schedule import make_sampler
from interdance.errors import InputError
from interdance.generation.edit import Keeper, Kept
from interdance.generation.long import Windows
from interdance.model.denoiser import Prediction
from interdance.model.signals import Signals
from interdance.representation.base import Representation
from interdance.representation.contact import foot_contact
from interdance.representation.layout import NUM_JOINTS, NUM_POINTS
from interdance.trained import TrainedModel

KNOWN_OUTSIDE = 0.2  # metres within which distance is measured: points farther outside move in again too seldom to matter
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Generated:
    """A generated follower, frame by frame with its leader.

    Attributes
    ----------
    points_TP3 : float32 (T, 710, 3)
        World points, metres: 55 joints, then 655 surface vertices.
    contact_TP : float32 (T, 710)
        Predicted contact labels of the follower's points, 0..1; 0 for those that the representation does not label.
    leader_contact_TP : float32 (T, 710)
        Predicted contact labels of the leader's points, likewise.
    foot_contact_T4 : float32 (T, 4)
        How surely the follower's left ankle, right ankle, left foot and right foot stand, 0..1: predicted, or told by
        heights and speeds (:func:`interdance.representation.contact.foot_contact`) where the representation has no labels.
    """

    points_TP3: np.ndarray
    contact_TP: np.ndarray
    leader_contact_TP: np.ndarray
    foot_contact_T4: np.ndarray


@dataclass(frozen=True)
class Couple:
    """Two generated dancers, frame by frame.

    Attributes
    ----------
    leader_TP3, follower_TP3 : float32 (T, 710, 3)
        World points, metres.
    foot_contact_T4 : float32 (T, 4)
        Of the follower, as :class:`Generated` has it.
    """

    leader_TP3: np.ndarray
    follower_TP3: np.ndarray
    foot_contact_T4: np.ndarray


def without_guidance(params: GuidanceParams) -> GuidanceParams:
    """The same parameters with both terms switched off (Table 6, "none")."""
    return replace(params, contact_scale=0.0, penetration_scale=0.0)


def generate_follower(
    model: TrainedModel,
    body: Body,
    leader_TC: np.ndarray,
    music_TA: np.ndarray,
    *,
    sampling: SampleParams,
    guidance: GuidanceParams,
    seed: int,
    kept: Kept | None = None,
    device: str = "cpu",
    report: Progress = lambda done, total: None,
) -> Generated:
    """Generate the follower of a whole take (§4.2; METHOD.md §6).

    Parameters
    ----------
    leader_TC
        Leader in the world and the model's representation, un-normalised, 30 frames per second. His labels of contact with
        the partner are not looked at.
    music_TA
        Music features (T, 35), as many frames as the leader.
    seed
        The same seed gives the same follower on a CPU.
    kept
        What of a given follower stays as it is; guidance moves none of it.

    Raises
    ------
    ValueError
        When music and leader differ in length, or the kept follower is longer.
    InputError
        When the model is one of duets, which makes its own leader, or cannot do what ``sampling`` asks of its signals or in
        steps, or there is to be guidance in a representation that cannot be guided, or parts kept in one that holds no
        positions.
    """
    num_frames = len(leader_TC)
    if model.params.model.task == "duet":
        raise InputError("model.task: duet: this model makes its own leader and follows no other; train a reactive one")
    if len(music_TA) != num_frames:
        raise ValueError(f"music has {len(music_TA)} frames, the leader {num_frames}")
    representation, statistics = model.representation, model.statistics.to(device)
    labels = representation.layout["partner_contact"]
    leader = torch.from_numpy(np.array(leader_TC, np.float32)).to(device)
    leader[:, labels] = 0.0
    windows = Windows(representation, num_frames, statistics, window=sampling.window, overlap=sampling.overlap)
    windows.follow(leader)
    leader_WTC = windows.split(leader, "leader")
    predict = _predictor(model, windows, music_TA, sampling, device)
    leader_contact_TH = torch.zeros(num_frames, representation.num_labels, device=device)

    def denoise(x_n_WTC: Tensor, n: int) -> Tensor:
        nonlocal leader_contact_TH
        prediction = predict(x_n_WTC, leader_WTC, n)
        leader_contact_TH = windows.join(prediction.leader)
        return prediction.follower_BTC

    components_KC = statistics.follower.raw_components()
    keeper = Keeper(kept, representation, num_frames, components_KC, device) if kept is not None else None
    refiner: Guidance | None = None
    if guidance.contact_scale > 0 or guidance.penetration_scale > 0:
        if not representation.can_be_guided:
            raise InputError(
                f"encode.representation: {representation.name} has no surface with labels to guide; set "
                "guidance.contact_scale and guidance.penetration_scale to 0"
            )
        leader_TP3 = representation.complete(leader)
        refiner = Guidance(
            torch.from_numpy(leader_TP3).to(device),
            _depth_engine(leader_TP3, body, guidance, model.params.data.fps, device),
            representation,
            ways_to_move(components_KC, representation.layout, guidance.root_mobility),
            guidance,
        )

    def refine(x0_WTC: Tensor, n: int) -> Tensor:
        follower_TC = windows.merge(x0_WTC, "follower", sampling.smoothing)
        if keeper is not None:
            follower_TC = keeper(follower_TC)
        if refiner is not None:
            follower_TC = refiner(follower_TC, leader_contact_TH, n)
            follower_TC = keeper(follower_TC) if keeper is not None else follower_TC
        return windows.split(follower_TC, "follower")

    x0_WTC = sample(
        denoise,
        make_sampler(model.params.diffusion, sampling),
        _noise(windows, leader.shape, seed, device),
        refine=refine,
        report=report,
    )
    follower_TC = windows.merge(x0_WTC, "follower")
    if keeper is not None:
        follower_TC = keeper(follower_TC)
    points_TP3 = representation.complete(follower_TC)
    if keeper is not None:
        points_TP3 = keeper.paste(points_TP3)
    return Generated(
        points_TP3=points_TP3,
        contact_TP=_labels(follower_TC[:, labels], representation),
        leader_contact_TP=_labels(leader_contact_TH, representation),
        foot_contact_T4=_standing(follower_TC, points_TP3, model),
    )


def generate_couple(
    model: TrainedModel,
    music_TA: np.ndarray,
    *,
    sampling: SampleParams,
    seed: int,
    device: str = "cpu",
    report: Progress = lambda done, total: None,
) -> Couple:
    """Generate both dancers of a whole song (Appendix B, Eq. 11).

    Our choice: nobody knows the leader's path beforehand, so the windows are laid anew at every denoising step, end to
    end by their predicted leaders. There is no guidance, which needs a leader who is given.

    Parameters
    ----------
    music_TA
        Music features (T, 35); the couple dances as many frames.
    seed
        The same seed gives the same couple on a CPU.

    Raises
    ------
    InputError
        When the model is a reactive one, which needs a leader, or cannot do what ``sampling`` asks of its signals or in
        steps.
    """
    if model.params.model.task != "duet":
        raise InputError("model.task: reactive: this model follows a given leader; give one, or train a duet model")
    representation, statistics = model.representation, model.statistics.to(device)
    windows = Windows(representation, len(music_TA), statistics, window=sampling.window, overlap=sampling.overlap)
    predict = _predictor(model, windows, music_TA, sampling, device)

    def denoise(x_n_WTDC: Tensor, n: int) -> Tensor:
        follower_WTC, leader_WTC = x_n_WTDC.unbind(dim=2)
        return torch.stack(predict(follower_WTC, leader_WTC, n), dim=2)

    def merge(x0_WTDC: Tensor, smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        follower_WTC, leader_WTC = x0_WTDC.unbind(dim=2)
        windows.place(leader_WTC)
        return windows.merge(follower_WTC, "follower", smoothing), windows.merge(leader_WTC, "leader", smoothing)

    def refine(x0_WTDC: Tensor, n: int) -> Tensor:
        follower_TC, leader_TC = merge(x0_WTDC, sampling.smoothing)
        windows.follow(leader_TC)
        return torch.stack([windows.split(follower_TC, "follower"), windows.split(leader_TC, "leader")], dim=2)

    x0_WTDC = sample(
        denoise,
        make_sampler(model.params.diffusion, sampling),
        _noise(windows, (len(music_TA), 2, representation.width), seed, device),
        refine=refine,
        report=report,
    )
    follower_TC, leader_TC = merge(x0_WTDC)
    follower_TP3, leader_TP3 = (representation.complete(x_TC) for x_TC in (follower_TC, leader_TC))
    return Couple(leader_TP3, follower_TP3, _standing(follower_TC, follower_TP3, model))


def _depth_engine(
    leader_TP3: np.ndarray, body: Body, guidance: GuidanceParams, fps: int, device: str
) -> Callable[[Tensor], Tensor]:
    """The leader's side of the penetration term, prepared for all denoising steps."""
    if guidance.engine == "coap":
        leader, _ = fit_motion(leader_TP3, body, fps=fps)
        return CoapDepth(body, leader, Path(guidance.coap_weights), device)
    return TrackedDepth(LeaderField(leader_TP3[:, NUM_JOINTS:], body.surface_faces, device=device, margin=KNOWN_OUTSIDE))


def _predictor(
    model: TrainedModel, windows: Windows, music_TA: np.ndarray, sampling: SampleParams, device: str
) -> Callable[[Tensor, Tensor, int], Prediction]:
    """The denoiser over all windows of a take, a batch at a time: follower, leader and diffusion step to a prediction."""
    denoiser, music = model.denoiser.to(device), model.statistics.music.to(device)
    signals = Signals(model.params, sampling)
    music_WTA = windows.cut(music.normalise(torch.from_numpy(music_TA).float().to(device)))

    def predict(x_n_WTC: Tensor, leader_WTC: Tensor, n: int) -> Prediction:
        n_B = torch.full((sampling.batch,), n, device=device)
        parts = []
        for start in range(0, len(windows), sampling.batch):
            part = slice(start, start + sampling.batch)
            x_n = x_n_WTC[part]
            parts.append(signals(denoiser, x_n, n_B[: len(x_n)], music_WTA[part], leader_WTC[part]))
        return Prediction(*(torch.cat(halves) for halves in zip(*parts, strict=True)))

    return predict


def _noise(windows: Windows, shape: tuple[int, ...], seed: int, device: str) -> Draw:
    """Noise of the whole take (T, ...), drawn anew at every call and cut into windows: the same where they overlap."""
    generator = torch.Generator().manual_seed(seed)
    return lambda: windows.cut(torch.randn(shape, generator=generator).to(device))


def _labels(contact_TH: Tensor, representation: Representation) -> np.ndarray:
    labels = np.zeros((len(contact_TH), NUM_POINTS), np.float32)
    if representation.num_labels:
        labels[:, representation.held_H] = contact_TH.clamp(0, 1).cpu().numpy()
    return labels


def _standing(x_TC: Tensor, points_TP3: np.ndarray, model: TrainedModel) -> np.ndarray:
    labels, encode = model.representation.layout["foot_contact"], model.params.encode
    if labels.stop > labels.start:
        return x_TC[:, labels].clamp(0, 1).float().cpu().numpy()
    return foot_contact(points_TP3, model.params.data.fps, encode.foot_height, encode.foot_speed).astype(np.float32)
