"""InterDance: given music and a leader's motion, generate the follower.

Legend, used as suffixes of array names throughout the package:

===  ==========================================================================
B    batch
T    frames (30 per second)
J    55 joints of SMPL-X, in SMPL-X order
V    655 surface vertices sampled from the body
P    710 points of one dancer: J joints, then V vertices
A    35 music channels per frame
C    4978 channels of the motion representation (Eq. 1 of the paper)
D    width of the denoiser
===  ==========================================================================

``x0`` is a clean sample and ``x_n`` the one noised at step ``n`` of ``N``; ``t`` is time, never a diffusion step.

Units and axes: metres, seconds, radians; right-handed, +Y up; a dancer of zero yaw faces +Z with the left side at +X.
"""

from __future__ import annotations

import os

# Threads of torch wait for each other by turning in place. On a machine that does other work, too, those who turn keep the one
# that they wait for from its core, and a training nearly stops; a short turn, and then sleep, costs nothing where nobody else
# computes (`benchmarks/busy.py`). Read once, when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
