"""Seconds and megabytes of the page of a minute: `python benchmarks/page.py ../shared`.

The captured couple ``medium_01`` with its song, begun again at its end to fill 60 s; once with one follower and once with
three, without and with what is lit. Processor time, for the machine may do other work.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from interdance import config  # noqa: E402
from interdance.body.model import Body  # noqa: E402
from interdance.evaluation.meeting import meeting_of  # noqa: E402
from interdance.export.page import write_page  # noqa: E402
from interdance.mocap.retarget import read_leader  # noqa: E402
from interdance.takes import Motion  # noqa: E402

TAKE, SECONDS = "medium_01", 60


def minute(motion: Motion) -> Motion:
    """The motion, begun again at its end, as long as a minute."""
    frames = np.arange(round(SECONDS * motion.fps)) % motion.num_frames
    return replace(motion, rotations_TJ3=motion.rotations_TJ3[frames], translation_T3=motion.translation_T3[frames])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path("../shared"), help="folder of the captured dancers")
    data = parser.parse_args().shared / "data"
    body, settings = Body.load(), config.load(REPOSITORY / "params.yaml").evaluate
    leader, follower = (
        minute(read_leader(data / "salsa" / f"{TAKE}_{role}.bvh", body, fps=30)) for role in ("leader", "follower")
    )
    others = [replace(follower, translation_T3=follower.translation_T3 + np.float32([0, 0, aside])) for aside in (0.1, -0.1)]
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        song, page = Path(folder, "song.wav"), Path(folder, "page.html")
        samples, rate = soundfile.read(data / "music" / f"{TAKE}.ogg")
        soundfile.write(song, np.resize(samples, SECONDS * rate), rate)
        for followers in ([follower], [follower, *others]):
            named = {f"Follower {number}": motion for number, motion in enumerate(followers, start=1)}
            start = time.process_time()
            meetings = {
                name: meeting_of(leader, motion, body, surface="sampled", contact_distance=settings.contact_distance)
                for name, motion in named.items()
            }
            lines.append(f"{len(named)} followers: where they meet {time.process_time() - start:.1f} s")
            for what, met in (("without light", None), ("with light", meetings)):
                start = time.process_time()
                write_page(page, leader, named, body, song, title="A minute", meetings=met)
                lines.append(f"  page {what}: {time.process_time() - start:.1f} s, {page.stat().st_size / 1e6:.2f} MB")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
