"""The losses of Eq. 4-8, each a pure function of predictions and truth that returns one scalar.

Points are world positions in metres, (..., T, P, 3). What the paper leaves open is marked "Our choice". Where a batch holds
clips of unequal length, ``frames_BT`` (boolean) says which frames count: means are over those, and over differences whose
every frame is one of them; None counts all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FEET = (7, 8, 10, 11)  # left ankle, right ankle, left foot, right foot: the order of the foot-contact channels


def recon_loss(pred_BTC: Tensor, true_BTC: Tensor, frames_BT: Tensor | None = None) -> Tensor:
    """Eq. 4: mean squared error of the normalised clean sample."""
    return _mean((pred_BTC - true_BTC).square(), frames_BT)


def velocity_loss(pred_BTP3: Tensor, true_BTP3: Tensor, frames_BT: Tensor | None = None) -> Tensor:
    """Eq. 5, left: squared error of the frame-to-frame displacement, summed over x, y, z, mean over the rest."""
    return _mean((pred_BTP3.diff(dim=1) - true_BTP3.diff(dim=1)).square().sum(-1), frames_BT)


def acceleration_loss(pred_BTP3: Tensor, true_BTP3: Tensor, frames_BT: Tensor | None = None) -> Tensor:
    """Eq. 5, right: squared error of the second difference in time."""
    return _mean((pred_BTP3.diff(n=2, dim=1) - true_BTP3.diff(n=2, dim=1)).square().sum(-1), frames_BT)


def foot_loss(pred_BTP3: Tensor, contact_BT4: Tensor, frames_BT: Tensor | None = None) -> Tensor:
    """Squared displacement of the feet between frames in which they are predicted to touch the floor.

    Our choice: the predicted label is a switch at 0.5 that takes no gradient; otherwise the cheapest way to lower this loss
    is to predict that no foot ever touches the floor.
    """
    step = pred_BTP3[:, :, FEET].diff(dim=1).square().sum(-1)
    on = (contact_BT4.detach() > 0.5).to(step.dtype)
    return _mean(step * on[:, 1:] * on[:, :-1], frames_BT)


def distance_matrix_loss(
    leader_BTP3: Tensor,
    pred_BTP3: Tensor,
    true_leader_BTP3: Tensor,
    true_BTP3: Tensor,
    max_distance: float,
    frames_BT: Tensor | None = None,
) -> Tensor:
    """Eq. 6, left: squared error of the leader-follower distances between points (joints) whose true one is under the limit.

    ``leader_BTP3`` is the true one in the reactive task, the predicted one in the duet task. The mean is over the entries
    under the limit. The distance is softened by 1 mm, so its gradient is finite at zero.
    """
    pred = _distances(leader_BTP3, pred_BTP3)
    true = _distances(true_leader_BTP3, true_BTP3)
    near = (true < max_distance).to(pred.dtype)
    if frames_BT is not None:
        near = near * frames_BT[..., None, None]
    return ((pred - true).square() * near).sum() / near.sum().clamp(min=1)


def relative_orientation_loss(
    pred_relative_BT: Tensor, true_relative_BT: Tensor, frames_BT: Tensor | None = None
) -> Tensor:
    """Eq. 6, right: squared error of the angle between the two dancers around the vertical, radians.

    Our choice: 2 - 2 cos of the error, the squared chord: equal to the squared angle when small, smooth, and blind to
    whole turns, so that nothing breaks at plus or minus pi.
    """
    return _mean(2 - 2 * (pred_relative_BT - true_relative_BT).cos(), frames_BT)


def contact_loss(
    leader_BTP3: Tensor,
    pred_BTP3: Tensor,
    leader_contact_BTP: Tensor,
    follower_contact_BTP: Tensor,
    frames_BT: Tensor | None = None,
) -> Tensor:
    """Eq. 7: squared distance to the partner of every point that is labelled to touch.

    Leader points carry the true label, follower points the predicted one. Our choice: labels are switches at 0.5 that take
    no gradient (as in :func:`foot_loss`), and each of the two sums is divided by the number of points in it.
    """
    leader, pred = leader_BTP3.flatten(0, 1), pred_BTP3.flatten(0, 1)
    labels = [label_BTP.detach().flatten(0, 1) > 0.5 for label_BTP in (leader_contact_BTP, follower_contact_BTP)]
    if frames_BT is not None:
        labels = [label_FP & frames_BT.flatten()[:, None] for label_FP in labels]
    gaps = [
        nearest_pairs(mine, partner, label).squared_gaps(mine, partner)
        for mine, partner, label in ((leader, pred, labels[0]), (pred, leader, labels[1]))
    ]
    return sum((gap.sum() / max(len(gap), 1) for gap in gaps), start=pred_BTP3.new_zeros(()))


@dataclass(frozen=True)
class Pairs:
    """Points of one dancer, each with a point of the partner in the same frame: R of them, in frame order.

    Attributes
    ----------
    frame_R, point_R, partner_R
        Frame, and point of either dancer.
    """

    frame_R: Tensor
    point_R: Tensor
    partner_R: Tensor

    def squared_gaps(self, from_FP3: Tensor, to_FQ3: Tensor) -> Tensor:
        """Squared metres (R,) between the points of each pair, differentiable; zero distance has zero gradient."""
        return (from_FP3[self.frame_R, self.point_R] - to_FQ3[self.frame_R, self.partner_R]).square().sum(-1)


def nearest_pairs(from_FP3: Tensor, to_FQ3: Tensor, label_FP: Tensor, chunk: int = 64) -> Pairs:
    """Each labelled point with the nearest point of the partner in the same frame.

    Only labelled points are searched: an unlabelled one contributes nothing to Eq. 7. The search takes no gradient.

    Parameters
    ----------
    from_FP3, to_FQ3
        Points of the two dancers, frame by frame.
    label_FP
        Boolean, which points of ``from_FP3`` count.
    chunk
        Frames searched at a time.
    """
    frame_R, point_R = label_FP.nonzero(as_tuple=True)
    if len(frame_R) == 0:
        return Pairs(frame_R, point_R, point_R)
    nearest_R = torch.empty_like(frame_R)
    with torch.no_grad():
        frames_F, count_F = frame_R.unique_consecutive(return_counts=True)
        # The labelled points of a frame are a padded batch entry, so that a batched matrix product does the search; frames
        # with equally many of them lie together, so that little is padded.
        count_F, order_F = count_F.sort(stable=True)
        rank_F = torch.empty_like(order_F)
        rank_F[order_F] = torch.arange(len(order_F), device=order_F.device)
        count_of_frame_F = torch.empty_like(count_F)
        count_of_frame_F[order_F] = count_F
        first_F = count_of_frame_F.cumsum(0) - count_of_frame_F
        row_R = torch.arange(len(frame_R), device=frame_R.device) - first_F.repeat_interleave(count_of_frame_F)
        rank_R = rank_F.repeat_interleave(count_of_frame_F)
        for start in range(0, len(frames_F), chunk):
            stop = min(start + chunk, len(frames_F))
            mine = ((rank_R >= start) & (rank_R < stop)).nonzero()[:, 0]
            frame, point, entry, row = frame_R[mine], point_R[mine], rank_R[mine] - start, row_R[mine]
            batch = from_FP3.new_zeros((stop - start, int(count_F[stop - 1]), 3))
            batch[entry, row] = from_FP3[frame, point]
            partner = to_FQ3[frames_F[order_F[start:stop]]]
            # |a - b|^2 less |a|^2, which does not matter to the nearest; centred, because the form loses digits far away.
            centre = partner.mean(1, keepdim=True)
            partner = partner - centre
            score = torch.baddbmm(partner.square().sum(-1)[:, None], batch - centre, partner.transpose(1, 2), alpha=-2)
            nearest_R[mine] = score.argmin(-1)[entry, row]
    return Pairs(frame_R, point_R, nearest_R)


def label_loss(pred_BTP: Tensor, true_BTP: Tensor, frames_BT: Tensor | None = None) -> Tensor:
    """Mean squared error of the leader's contact labels, the reactive task's second output (not in the paper).

    Guidance needs to know which of the leader's points will be touched (Eq. 7). The true labels would betray the follower,
    so the network predicts them.
    """
    return _mean((pred_BTP - true_BTP).square(), frames_BT)


def _mean(error_BTX: Tensor, frames_BT: Tensor | None) -> Tensor:
    """Mean over the frames that count; of differences, T is shorter, and every frame a difference is of must count."""
    if frames_BT is None:
        return error_BTX.mean()
    counted = frames_BT
    while counted.shape[1] > error_BTX.shape[1]:
        counted = counted[:, 1:] & counted[:, :-1]
    error_BT = error_BTX.flatten(2).mean(-1) if error_BTX.ndim > 2 else error_BTX
    return torch.where(counted, error_BT, 0.0).sum() / counted.sum().clamp(min=1)


def _distances(a_BTJ3: Tensor, b_BTK3: Tensor) -> Tensor:
    # |a - b|^2 = |a|^2 + |b|^2 - 2 a.b, a matrix product, about a centre near both: far from it the form loses digits.
    centre = a_BTJ3.mean(dim=-2, keepdim=True).detach()
    a, b = a_BTJ3 - centre, b_BTK3 - centre
    squares = a.square().sum(-1)[..., :, None] + b.square().sum(-1)[..., None, :]
    return (squares - 2 * a @ b.transpose(-1, -2)).clamp(min=0).add(1e-6).sqrt()
