"""A trained model and a song, with a leader: the follower of the whole take; without: the couple."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from interdance.body.coap import CoapDepth
from interdance.body.distance import LeaderField, TrackedDepth
from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.config import GuidanceParams, SampleParams
from interdance.diffusion.guidance import Guidance, ways_to_move
from interdance.diffusion.sampler import Draw, sample
from interdance.diffusion.schedule import make_sampler
from interdance.errors import InputError
from interdance.generation.edit import Keeper, Kept, carried_on
from interdance.generation.long import Windows, blocks
from interdance.model.denoiser import Prediction
from interdance.model.signals import Signals
from interdance.representation.contact import foot_contact
from interdance.representation.floor import FloorTransform
from interdance.representation.layout import NUM_JOINTS
from interdance.trained import TrainedModel

KNOWN_OUTSIDE = 0.2  # metres within which distance is measured: the wider, the fewer points are measured again; no other effect
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Generated:
    """A generated follower, frame by frame with its leader.

    Attributes
    ----------
    points_TP3 : float32 (T, 710, 3)
        World points, metres: 55 joints, then 655 surface vertices.
    foot_contact_T4 : float32 (T, 4)
        How surely the follower's left ankle, right ankle, left foot and right foot stand, 0..1: predicted, or told by
        heights and speeds (:func:`interdance.representation.contact.foot_contact`) where the representation has no labels.
    """

    points_TP3: np.ndarray
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


def advance(bar: tqdm, done: int, total: int) -> None:  # type: ignore[type-arg]
    """Show progress on a bar; with the bar filled in, a :data:`Progress`."""
    bar.total = total
    bar.update(done - bar.n)


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
    num_frames, representation = len(leader_TC), model.representation
    if model.params.model.task == "duet":
        raise InputError("model.task: duet: this model makes its own leader and follows no other; train a reactive one")
    if len(music_TA) != num_frames:
        raise ValueError(f"music has {len(music_TA)} frames, the leader {num_frames}")
    if (guidance.contact_scale > 0 or guidance.penetration_scale > 0) and not representation.can_be_guided:
        raise InputError(
            f"encode.representation: {representation.name} cannot be guided (docs/representation.md); set "
            "guidance.contact_scale and guidance.penetration_scale to 0"
        )
    if kept is not None and len(kept.frames_K) > num_frames:
        raise ValueError(f"the given follower has {len(kept.frames_K)} frames, the take {num_frames}")

    def make(block: _Block) -> list[Tensor]:
        leader = torch.from_numpy(np.array(representation.clip(leader_TC, block.start, block.stop), np.float32)).to(device)
        part = kept.part(block.start, block.stop) if kept is not None else None
        music = music_TA[block.start : block.stop]
        return [_follower(model, body, leader, music, block, sampling=sampling, guidance=guidance, kept=part, device=device)]

    (placed_TH3,), standing_TF = _by_blocks(model, num_frames, sampling, seed, report, make)
    points_TP3 = representation.whole(placed_TH3)
    if kept is not None:
        points_TP3 = kept.paste(points_TP3)
    return Generated(points_TP3, _standing(standing_TF, points_TP3, model))


def _follower(
    model: TrainedModel,
    body: Body,
    leader: Tensor,
    music_TA: np.ndarray,
    block: _Block,
    *,
    sampling: SampleParams,
    guidance: GuidanceParams,
    kept: Kept | None,
    device: str,
) -> Tensor:
    """Follower (T, C) of a block, un-normalised and in the world."""
    before_SC = block.before[0] if block.before else None
    num_frames, representation, statistics = len(leader), model.representation, model.statistics.to(device)
    leader[:, representation.layout["partner_contact"]] = 0.0
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
    keeper = Keeper(kept, representation, num_frames, components_KC, device, before_SC) if kept is not None else None
    sampler = make_sampler(model.params.diffusion, sampling)
    refiner: Guidance | None = None
    if guidance.contact_scale > 0 or guidance.penetration_scale > 0:
        leader_TP3 = representation.complete(leader)
        refiner = Guidance(
            torch.from_numpy(leader_TP3).to(device),
            _depth_engine(leader_TP3, body, guidance, model.params.data.fps, device),
            representation,
            ways_to_move(components_KC, representation.layout, guidance.root_mobility),
            guidance,
            last=int(sampler.timesteps[-1]),
        )

    def given(follower_TC: Tensor) -> Tensor:
        """The follower with what is known of her in its place."""
        return keeper(follower_TC) if keeper is not None else carried_on(follower_TC, before_SC, representation)

    def refine(x0_WTC: Tensor, n: int) -> Tensor:
        follower_TC = given(windows.merge(x0_WTC, "follower", sampling.smoothing))
        if refiner is not None:
            follower_TC = given(refiner(follower_TC, leader_contact_TH, n))
        return windows.split(follower_TC, "follower")

    x0_WTC = sample(
        denoise,
        sampler,
        _noise(windows, leader.shape, block.generator, device),
        refine=refine,
        report=block.report,
    )
    return given(windows.merge(x0_WTC, "follower"))


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

    def make(block: _Block) -> list[Tensor]:
        return _couple(model, music_TA[block.start : block.stop], block, sampling=sampling, device=device)

    (follower_TH3, leader_TH3), standing_TF = _by_blocks(model, len(music_TA), sampling, seed, report, make)
    leader_TP3, follower_TP3 = (model.representation.whole(points_TH3) for points_TH3 in (leader_TH3, follower_TH3))
    return Couple(leader_TP3, follower_TP3, _standing(standing_TF, follower_TP3, model))


def _couple(
    model: TrainedModel, music_TA: np.ndarray, block: _Block, *, sampling: SampleParams, device: str
) -> list[Tensor]:
    """Follower and leader (T, C) of a block, un-normalised, in the world of their frames before."""
    representation, statistics = model.representation, model.statistics.to(device)
    windows = Windows(representation, len(music_TA), statistics, window=sampling.window, overlap=sampling.overlap)
    predict = _predictor(model, windows, music_TA, sampling, device)
    # Windows are laid from the origin on: there is the block sampled, and brought to where the couple is at its end.
    here = representation.leader_frame(block.before[1]) if block.before else FloorTransform.identity()
    known: list[Tensor] | list[None] = [representation.rebase(x_SC, here) for x_SC in block.before] or [None, None]

    def denoise(x_n_WTDC: Tensor, n: int) -> Tensor:
        follower_WTC, leader_WTC = x_n_WTDC.unbind(dim=2)
        return torch.stack(predict(follower_WTC, leader_WTC, n), dim=2)

    def merge(x0_WTDC: Tensor, smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        follower_WTC, leader_WTC = x0_WTDC.unbind(dim=2)
        windows.place(leader_WTC)
        follower_TC = carried_on(windows.merge(follower_WTC, "follower", smoothing), known[0], representation)
        return follower_TC, carried_on(windows.merge(leader_WTC, "leader", smoothing), known[1], representation)

    def refine(x0_WTDC: Tensor, n: int) -> Tensor:
        follower_TC, leader_TC = merge(x0_WTDC, sampling.smoothing)
        windows.follow(leader_TC)
        return torch.stack([windows.split(follower_TC, "follower"), windows.split(leader_TC, "leader")], dim=2)

    x0_WTDC = sample(
        denoise,
        make_sampler(model.params.diffusion, sampling),
        _noise(windows, (len(music_TA), 2, representation.width), block.generator, device),
        refine=refine,
        report=block.report,
    )
    return [representation.rebase(x_TC, here.inverse()) for x_TC in merge(x0_WTDC)]


@dataclass(frozen=True)
class _Block:
    """Frames ``start`` to ``stop`` of a take, and how its first frames (S, C) of each dancer were made ``before``."""

    start: int
    stop: int
    before: tuple[Tensor, ...]
    generator: torch.Generator
    report: Progress


def _by_blocks(
    model: TrainedModel,
    num_frames: int,
    sampling: SampleParams,
    seed: int,
    report: Progress,
    make: Callable[[_Block], list[Tensor]],
) -> tuple[list[np.ndarray], np.ndarray]:
    """A take made block by block.

    Parameters
    ----------
    make
        Dancers (T, C) of a block, the follower first.

    Returns
    -------
    placed : list of float32 (T, H, 3)
        The points held, of each dancer.
    standing_TF : float32 (T, F)
        The follower's labels of the feet, F of them or none.
    """
    representation = model.representation
    feet = representation.layout["foot_contact"]
    generator, pieces = torch.Generator().manual_seed(seed), blocks(num_frames, sampling)
    parts: list[list[np.ndarray]] = []
    before: tuple[Tensor, ...] = ()
    for index, (start, stop) in enumerate(pieces):

        def tell(done: int, total: int, index: int = index) -> None:
            report(index * total + done, len(pieces) * total)

        dancers = make(_Block(start, stop, before, generator, tell))
        end = stop - start - (sampling.overlap if stop < num_frames else 0)
        new = slice(sampling.window if before else 0, end)
        parts.append([*(representation.placed(x_TC)[new] for x_TC in dancers), dancers[0][new, feet].cpu().numpy()])
        before = tuple(representation.clip(x_TC, max(0, end - sampling.window), end) for x_TC in dancers)
    *placed, standing_TF = (np.concatenate(values) for values in zip(*parts, strict=True))
    return placed, standing_TF


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


def _noise(windows: Windows, shape: tuple[int, ...], generator: torch.Generator, device: str) -> Draw:
    """Noise of a whole block (T, ...), drawn anew at every call and cut into windows: the same where they overlap."""
    return lambda: windows.cut(torch.randn(shape, generator=generator).to(device))


def _standing(labels_TF: np.ndarray, points_TP3: np.ndarray, model: TrainedModel) -> np.ndarray:
    """Labels of the feet (T, 4), as they were predicted, or where the representation has none (F is 0) from the points."""
    if labels_TF.shape[1]:
        return labels_TF.clip(0, 1).astype(np.float32)
    encode = model.params.encode
    return foot_contact(points_TP3, model.params.data.fps, encode.foot_height, encode.foot_speed).astype(np.float32)
