"""Diffusion: the schedule, the losses, interaction refine guidance, and the sampling loop (paper §4.2)."""
