"""Interaction refine guidance (Eq. 9-10): pull what should touch together, push what passes through apart.

Works on a follower's clean prediction, un-normalised, in the leader's world. The leader is never moved.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from interdance.config import GuidanceParams
from interdance.diffusion.losses import Pairs, nearest_pairs
from interdance.representation.base import Representation
from interdance.representation.layout import Layout


def ways_to_move(components_KC: Tensor, layout: Layout, root: float) -> Tensor:
    """How a dancer gives way to a pull: rows (K, C), of which a step of guidance is a weighted sum, weights in deviations.

    Our choice. Eq. 10 steps along the plain gradient, which moves each labelled vertex alone and tears it off the body.
    Multiplied by the covariance of the training set's poses, the same pull moves a hand with its arm, the way dancers
    move. The rows are the covariance's square root.

    Parameters
    ----------
    components_KC
        Principal components of the follower, each times its standard deviation, un-normalised.
    layout
        Of the channels. Where the root has channels of its own they move by ``root``, not by the components.
    root
        Standard deviation of root position (metres) and of the half yaw (radians) that guidance may assume. Small: a hand
        that is off is mended by the arm before the whole dancer is shifted.
    """
    poses_KC = components_KC.clone()
    poses_KC[:, layout.root] = 0
    channels = range(layout.width)
    places = [place for name in ("root_position", "root_yaw") if name in layout for place in channels[layout[name]]]
    shifts_RC = poses_KC.new_zeros(len(places), poses_KC.shape[1])
    shifts_RC[range(len(places)), places] = root
    return torch.cat([poses_KC, shifts_RC])


class Guidance:
    """The refinement of one take: prepared once, applied at every denoising step.

    Parameters
    ----------
    leader_points_TP3
        The leader in the world, metres.
    depth
        Depth of points (T, P, 3) inside the leader's body, (T, P), differentiable: metres where the engine is the exact one
        (:class:`interdance.body.distance.TrackedDepth`); only what is positive is looked at.
    representation
        Of the follower; one that can be guided (:attr:`Representation.can_be_guided`).
    ways_KC
        See :func:`ways_to_move`.
    params
        Scales: 0 switches a term off (Table 6); 1 is the step that would cancel the cost if it were linear.
    last
        The last diffusion step of the sampling: both terms act there, however few steps are taken.
    """

    def __init__(
        self,
        leader_points_TP3: Tensor,
        depth: Callable[[Tensor], Tensor],
        representation: Representation,
        ways_KC: Tensor,
        params: GuidanceParams,
        last: int = 0,
    ) -> None:
        self.leader_points_TP3 = leader_points_TP3
        self.depth = depth
        self.representation = representation
        self.ways_KC = ways_KC
        # Inner steps look at points alone, so they move the channels that place them; the others follow at the end.
        self.placing_KC = ways_KC[:, : representation.placing].contiguous()
        self.params = params
        self.last = last

    def __call__(self, x0_TC: Tensor, leader_contact_TP: Tensor, n: int) -> Tensor:
        """Return the refined follower (T, C).

        Parameters
        ----------
        x0_TC
            Predicted clean follower, un-normalised, in the leader's world.
        leader_contact_TP
            Predicted labels of the leader's points, 0..1.
        n
            Diffusion step; beyond a term's last step the prediction is a blur that has no surface, and is left as it is.
        """
        params = self.params
        pull = params.contact_scale > 0 and n <= max(params.contact_max_step, self.last)
        push = params.penetration_scale > 0 and n <= max(params.penetration_max_step, self.last)
        if not (pull or push):
            return x0_TC
        x = x0_TC[:, : self.representation.placing]
        pairs = self._pairs(x, leader_contact_TP, x0_TC[:, self.representation.layout["partner_contact"]]) if pull else []
        total_TK = x0_TC.new_zeros(len(x0_TC), len(self.ways_KC))
        for _ in range(params.inner_steps):
            # Our choice: one after the other instead of their sum, so that a hand pulled into the partner is pushed out again.
            if pull:
                step_TK = self._tamed(params.contact_scale * self._contact_step(x, pairs))
                total_TK, x = total_TK - step_TK, x - step_TK @ self.placing_KC
            if push:
                step_TK = self._tamed(params.penetration_scale * self._penetration_step(x))
                total_TK, x = total_TK - step_TK, x - step_TK @ self.placing_KC
        return x0_TC + total_TK @ self.ways_KC

    def _pairs(self, x: Tensor, leader_contact_TP: Tensor, follower_contact_TP: Tensor) -> list[tuple[Pairs, bool]]:
        """What should touch, either dancer's labelled points: searched once a denoising step; True, the leader's."""
        points = self.representation.positions(x)
        return [
            (nearest_pairs(self.leader_points_TP3, points, leader_contact_TP > 0.5), True),
            (nearest_pairs(points, self.leader_points_TP3, follower_contact_TP > 0.5), False),
        ]

    def _contact_step(self, x: Tensor, pairs: list[tuple[Pairs, bool]]) -> Tensor:
        """Descent of Eq. 7 with predicted labels on both sides."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            points = self.representation.positions(x)
            cost_T = x.new_zeros(len(x))
            for pair, leaders in pairs:
                mine, partner = (self.leader_points_TP3, points) if leaders else (points, self.leader_points_TP3)
                gap = pair.squared_gaps(mine, partner)
                # A pair that is far apart is a wrong label, not a near miss.
                reachable = (gap.detach() < self.params.contact_reach**2).to(gap.dtype)
                cost_T = cost_T.index_add(0, pair.frame_R, gap * reachable)
            if not cost_T.requires_grad:
                return x.new_zeros(len(x), len(self.ways_KC))
            (gradient,) = torch.autograd.grad(cost_T.sum(), x)
        # A squared distance falls to a quarter under the linear step; twice that step closes the gap.
        return self._scaled(gradient, 2 * cost_T.detach())

    def _penetration_step(self, x: Tensor) -> Tensor:
        """Descent of Eq. 9. Our choice: the sigmoid has a width, ``temperature``, or in metres it would be a straight line."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            depth = self.depth(self.representation.positions(x))
            deep = depth.detach() > 0
            cost = (torch.sigmoid(depth / self.params.temperature) * deep).sum(dim=1)
            (gradient,) = torch.autograd.grad(cost.sum(), x)
        with torch.no_grad():
            level = torch.sigmoid(depth / self.params.temperature)
            # How far the cost must fall for every point to be at the surface, by its own slope.
            target = (level * (1 - level) / self.params.temperature * depth * deep).sum(dim=1)
        return self._scaled(gradient, target)

    def _tamed(self, step_TK: Tensor) -> Tensor:
        """The step, no longer than ``max_deviation`` and smooth in time.

        Where pulls contradict each other the slope vanishes but the cost does not, and :meth:`_scaled` would leap.
        """
        length_T1 = step_TK.square().sum(dim=1, keepdim=True).sqrt()
        share_T1 = (self.params.max_deviation / (length_T1 + 1e-12)).clamp(max=1.0)
        return smooth(step_TK * share_T1, self.params.smoothing)

    def _scaled(self, gradient: Tensor, fall_T: Tensor) -> Tensor:
        """Weights (T, K) of the step along the gradient under which a linear cost falls by ``fall_T``."""
        slope_TK = gradient @ self.placing_KC.T
        return slope_TK * (fall_T / (slope_TK.square().sum(dim=1) + 1e-12))[:, None]


def smooth(values_TC: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing along time, edges repeated, so that guidance adds no jitter. ``sigma`` in frames; 0 does nothing."""
    if sigma <= 0:
        return values_TC
    radius = int(3 * sigma + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=values_TC.device) / sigma) ** 2).to(values_TC)
    kernel = kernel / kernel.sum()
    padded = torch.cat([values_TC[:1].expand(radius, -1), values_TC, values_TC[-1:].expand(radius, -1)])
    return sum(weight * padded[i : i + len(values_TC)] for i, weight in enumerate(kernel))  # type: ignore[return-value]
