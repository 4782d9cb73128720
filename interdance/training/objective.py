"""Eq. 8: predictions and truth of a batch to every loss by name, and to their weighted sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from interdance.config import LossParams
from interdance.diffusion import losses
from interdance.model.denoiser import Prediction
from interdance.representation.base import Representation
from interdance.representation.normalize import DancerStatistics, Statistics

Batch = dict[str, Tensor]


class Dancer(NamedTuple):
    """A dancer as the losses see one: normalised channels (B, T, C), yaw (B, T) in radians, world points in metres."""

    channels_BTC: Tensor
    yaw_BT: Tensor
    points_BTP3: Tensor

    def of(self, samples_B: Tensor) -> Dancer:
        """Some of the samples."""
        return Dancer(*(part[samples_B] for part in self))


def dancer_of(x_BTC: Tensor, statistics: DancerStatistics, representation: Representation) -> Dancer:
    """From normalised channels (B, T, C); velocities and labels are not needed to place the points."""
    raw = statistics.unnormalise(x_BTC[..., : representation.placing])
    return Dancer(x_BTC, representation.yaw(raw), representation.positions(raw))


def loss_terms(
    prediction: Prediction,
    batch: Batch,
    n_B: Tensor,
    statistics: Statistics,
    representation: Representation,
    params: LossParams,
    task: Literal["reactive", "duet"],
) -> dict[str, Tensor]:
    """Every loss of Eq. 8 by name, unweighted, plus ``labels`` (:func:`losses.label_loss`) in the reactive task.

    In the duet task the terms on one dancer are means over both, and the leader of the interaction terms is the predicted
    one. Terms of weight 0 are left out, and those on labels where the representation has none. The interaction terms see
    only samples of diffusion step n <= ``max_interaction_step``: from purer noise the place of the follower is a guess.

    Parameters
    ----------
    prediction
        Normalised.
    batch
        ``leader`` and ``follower`` (B, T, C), normalised and clean, ``leader_contact`` (B, T, H), labels, and where clips
        differ in length ``frames`` (B, T), which of the frames are theirs.
    n_B
        Diffusion step of each sample.
    statistics
        On the device of the batch.
    representation
        Of the channels.
    """
    follower = dancer_of(prediction.follower_BTC, statistics.follower, representation)
    with torch.no_grad():
        true_follower = dancer_of(batch["follower"], statistics.follower, representation)
        true_leader = dancer_of(batch["leader"], statistics.leader, representation)
    leader = dancer_of(prediction.leader, statistics.leader, representation) if task == "duet" else true_leader
    predicted = [(follower, true_follower), *([(leader, true_leader)] if task == "duet" else [])]

    def each(term: Callable[[Dancer, Dancer], Tensor]) -> Callable[[], Tensor]:
        """The mean of a term over the dancers that are predicted."""
        return lambda: torch.stack([term(pred, true) for pred, true in predicted]).mean()

    frames = batch.get("frames")
    near_B = n_B <= params.max_interaction_step
    near_frames = None if frames is None else frames[near_B]
    is_any_near = bool(near_B.any())

    def interaction(term: Callable[[Dancer, Dancer, Dancer, Dancer], Tensor]) -> Callable[[], Tensor]:
        """A term of leader, follower, true leader, true follower, over the samples that count.

        Scaled by their share, so that a batch with one of them does not weigh as a full one.
        """
        if not is_any_near:
            return lambda: follower.channels_BTC.new_zeros(())
        couple = [dancer.of(near_B) for dancer in (leader, follower, true_leader, true_follower)]
        return lambda: term(*couple) * near_B.float().mean()

    layout = representation.layout
    feet, contact = layout["foot_contact"], layout["partner_contact"]
    # Joints are what distances are taken between; all that is held where there are none.
    apart = slice(0, representation.num_joints or None)
    terms: dict[str, Callable[[], Tensor]] = {
        "recon": each(lambda pred, true: losses.recon_loss(pred.channels_BTC, true.channels_BTC, frames)),
        "vel": each(lambda pred, true: losses.velocity_loss(pred.points_BTP3, true.points_BTP3, frames)),
        "acc": each(lambda pred, true: losses.acceleration_loss(pred.points_BTP3, true.points_BTP3, frames)),
        "foot": each(lambda pred, true: losses.foot_loss(pred.points_BTP3, pred.channels_BTC[..., feet], frames)),
        "dm": interaction(
            lambda leader, follower, true_leader, true_follower: losses.distance_matrix_loss(
                leader.points_BTP3[:, :, apart],
                follower.points_BTP3[:, :, apart],
                true_leader.points_BTP3[:, :, apart],
                true_follower.points_BTP3[:, :, apart],
                params.dm_distance,
                near_frames,
            )
        ),
        "ro": interaction(
            lambda leader, follower, true_leader, true_follower: losses.relative_orientation_loss(
                leader.yaw_BT - follower.yaw_BT, true_leader.yaw_BT - true_follower.yaw_BT, near_frames
            )
        ),
        "con": interaction(
            lambda leader, follower, true_leader, true_follower: losses.contact_loss(
                leader.points_BTP3,
                follower.points_BTP3,
                batch["leader_contact"][near_B],
                follower.channels_BTC[..., contact],
                near_frames,
            )
        ),
    }
    if task == "reactive":
        terms["labels"] = lambda: losses.label_loss(prediction.leader, batch["leader_contact"], frames)
    unlabelled = {
        *(() if layout.size("foot_contact") else ("foot",)),
        *(() if representation.num_labels else ("con", "labels")),
    }
    return {name: term() for name, term in terms.items() if getattr(params, name) > 0 and name not in unlabelled}


def total_loss(terms: dict[str, Tensor], params: LossParams) -> Tensor:
    """Eq. 8: the weighted sum."""
    return torch.stack([getattr(params, name) * term for name, term in terms.items()]).sum()
