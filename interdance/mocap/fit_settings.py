"""How a fit of markers or joints weighs what it sees."""

from __future__ import annotations

from dataclasses import dataclass

from interdance.mocap.solve import Steady


@dataclass(frozen=True)
class FitSettings:
    """How a fit weighs what it sees.

    Attributes
    ----------
    noise_m : float
        Standard deviation of a point that is taken for granted at first; the shape stage measures the real one.
    least_noise_m, most_noise_m : float
        Bounds of the measured noise.
    doubt : float
        A point this many standard deviations off counts a quarter, farther ones soon nothing ...
    least_doubt_m, most_doubt_m : float
        ... within these bounds.
    turn_change, turn_speed : float
        How freely parts change their speed of turning (rad/s per square root of a second), and turn (rad).
    move_change, move_speed : float
        The same for the place of the pelvis, in metres.
    alike_m : float
        Joints that miss the model's by more than this on the whole are another maker's: their offsets are estimated too.
    shape_frames : int
        Frames from which shape and offsets are estimated.
    chunk : int
        Frames solved at once; memory grows with it, not with the take.
    coarse_fps : float
        Faster takes are first solved at about this rate.
    """

    noise_m: float = 0.005
    least_noise_m: float = 0.002
    most_noise_m: float = 0.020
    doubt: float = 6.0
    least_doubt_m: float = 0.02
    most_doubt_m: float = 0.10
    turn_change: float = 12.0
    turn_speed: float = 10.0
    move_change: float = 3.0
    move_speed: float = 3.0
    alike_m: float = 0.008
    shape_frames: int = 48
    chunk: int = 480
    coarse_fps: float = 30.0

    def steady(self, fps: float) -> Steady:
        """Precisions of the frame-to-frame differences at a rate, so that the rate does not matter."""
        dt = 1.0 / fps
        return Steady(
            turn_speed=1.0 / (self.turn_speed**2 * dt),
            turn_change=1.0 / (self.turn_change**2 * dt**3),
            move_speed=1.0 / (self.move_speed**2 * dt),
            move_change=1.0 / (self.move_change**2 * dt**3),
        )
