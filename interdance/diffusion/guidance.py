"""Interaction refine guidance (Eq. 9-10): pull what should touch together, push what passes through apart.

Works on a follower's clean prediction, un-normalised, in the leader's world. The leader is never moved.
"""

from __future__ import annotations

import torch
from torch import Tensor

from interdance.body.distance import LeaderField
from interdance.config import GuidanceParams
from interdance.diffusion.losses import squared_gaps
from interdance.representation.base import Representation
from interdance.representation.layout import Layout


class Mobility:
    """How a dancer gives way to a pull: the covariance of the training set's poses, and of small steps of the root.

    Our choice. Eq. 10 steps along the plain gradient, which moves each labelled vertex alone and tears it off the body.
    Multiplied by the covariance of poses, the same pull moves a hand with its arm, the way dancers move.

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

    def __init__(self, components_KC: Tensor, layout: Layout, root: float) -> None:
        self.components_KC = components_KC.clone()
        self.components_KC[:, layout.root] = 0
        self.places = [layout[name] for name in ("root_position", "root_yaw") if name in layout]
        self.root = root

    def __call__(self, gradient_TC: Tensor) -> Tensor:
        """Covariance times gradient, (T, C)."""
        moved = (gradient_TC @ self.components_KC.T) @ self.components_KC
        for place in self.places:
            moved[:, place] = gradient_TC[:, place] * self.root**2
        return moved


class Guidance:
    """The refinement of one take: prepared once, applied at every denoising step.

    Parameters
    ----------
    leader_points_TP3
        The leader in the world, metres.
    field
        Signed distance into the leader's body, a frame per frame of the take.
    representation
        Of the follower; one that holds the surface and labels (:attr:`Representation.can_be_guided`).
    mobility
        See :class:`Mobility`.
    params
        Scales: 0 switches a term off (Table 6); 1 is the step that would cancel the cost if it were linear.
    """

    def __init__(
        self,
        leader_points_TP3: Tensor,
        field: LeaderField,
        representation: Representation,
        mobility: Mobility,
        params: GuidanceParams,
    ) -> None:
        self.leader_points_TP3 = leader_points_TP3
        self.field = field
        self.representation = representation
        self.mobility = mobility
        self.params = params

    def __call__(self, x0_TC: Tensor, leader_contact_TP: Tensor, n: int) -> Tensor:
        """Return the refined follower (T, C).

        Parameters
        ----------
        x0_TC
            Predicted clean follower, un-normalised, in the leader's world.
        leader_contact_TP
            Predicted labels of the leader's points, 0..1.
        n
            Diffusion step; beyond ``max_step`` the prediction is a blur that has no surface, and is left as it is.
        """
        if n > self.params.max_step:
            return x0_TC
        for _ in range(self.params.inner_steps):
            if self.params.contact_scale > 0:
                step = self.params.contact_scale * self._contact_step(x0_TC, leader_contact_TP)
                x0_TC = x0_TC - smooth(step, self.params.smoothing)
            # Our choice: one after the other instead of their sum, so that a hand pulled into the partner is pushed out again.
            if self.params.penetration_scale > 0:
                step = self.params.penetration_scale * self._penetration_step(x0_TC)
                x0_TC = x0_TC - smooth(step, self.params.smoothing)
        return x0_TC

    def _contact_step(self, x0_TC: Tensor, leader_contact_TP: Tensor) -> Tensor:
        """Descent of Eq. 7 with predicted labels on both sides."""
        with torch.enable_grad():
            x = x0_TC.detach().requires_grad_()
            points = self.representation.positions(x)
            cost = x.new_zeros(len(x))
            pairs = (
                (self.leader_points_TP3, points, leader_contact_TP),
                (points, self.leader_points_TP3, x[:, self.representation.layout["partner_contact"]].detach()),
            )
            for mine, partner, label in pairs:
                gap, frame = squared_gaps(mine, partner, label > 0.5)
                # A pair that is far apart is a wrong label, not a near miss.
                reachable = (gap.detach() < self.params.contact_reach**2).to(gap.dtype)
                cost = cost.index_add(0, frame, gap * reachable)
            if not cost.requires_grad:
                return torch.zeros_like(x0_TC)
            (gradient,) = torch.autograd.grad(cost.sum(), x)
        # A squared distance falls to a quarter under the linear step; twice that step closes the gap.
        return self._scaled(gradient, 2 * cost.detach())

    def _penetration_step(self, x0_TC: Tensor) -> Tensor:
        """Descent of Eq. 9. Our choice: the sigmoid has a width of ``temperature`` metres, or it would be a straight line."""
        with torch.enable_grad():
            x = x0_TC.detach().requires_grad_()
            depth = self.field.signed_depth(self.representation.positions(x))
            deep = depth.detach() > 0
            cost = (torch.sigmoid(depth / self.params.temperature) * deep).sum(dim=1)
            (gradient,) = torch.autograd.grad(cost.sum(), x)
        with torch.no_grad():
            level = torch.sigmoid(depth / self.params.temperature)
            # How far the cost must fall for every point to be at the surface, by its own slope.
            target = (level * (1 - level) / self.params.temperature * depth * deep).sum(dim=1)
        return self._scaled(gradient, target)

    def _scaled(self, gradient_TC: Tensor, fall_T: Tensor) -> Tensor:
        """The step along the mobile gradient under which a linear cost falls by ``fall_T``."""
        direction = self.mobility(gradient_TC)
        slope_T = (gradient_TC * direction).sum(dim=1)
        return direction * (fall_T / (slope_T + 1e-12))[:, None]


def smooth(values_TC: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing along time, edges repeated, so that guidance adds no jitter. ``sigma`` in frames; 0 does nothing."""
    if sigma <= 0:
        return values_TC
    radius = int(3 * sigma + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=values_TC.device) / sigma) ** 2).to(values_TC)
    kernel = kernel / kernel.sum()
    padded = torch.cat([values_TC[:1].expand(radius, -1), values_TC, values_TC[-1:].expand(radius, -1)])
    return sum(weight * padded[i : i + len(values_TC)] for i, weight in enumerate(kernel))  # type: ignore[return-value]
