"""Every metric as it is shown: label, unit, decimals, which way is better, what it means and what it cannot tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Better = Literal["down", "up", "none"]

HUGE = 1e7  # from here on a number is written with a power of ten


@dataclass(frozen=True)
class Column:
    """A metric as it is shown.

    Attributes
    ----------
    key : str
        Its name in ``metrics/evaluate.json``.
    label : str
        What heads the column; what follows an underscore is a subscript. The unit is not part of it.
    better : "down", "up" or "none"
        Which way is better; ``none`` where the ground truth's value is the right one.
    decimals : int
        Shown after the point, of the value in the unit shown.
    percent : bool
        Stored as a share in 0..1, shown as per cent.
    unit : str
        Shown in the head, such as ``mm``; empty for per cent, which stands in the cells as in the paper.
    meaning, cannot_tell : str
        One clause each.
    """

    key: str
    label: str
    better: Better
    decimals: int = 2
    percent: bool = False
    unit: str = ""
    meaning: str = ""
    cannot_tell: str = ""

    @property
    def factor(self) -> float:
        """Stored value times this is the value shown."""
        return 100.0 if self.percent else 1.0

    def number(self, value: float) -> str:
        """The value in the unit shown, without the unit; a value too small for the decimals is said to be small."""
        shown = value * self.factor
        if abs(shown) >= HUGE:
            return f"{shown:.2e}"
        text = f"{shown:.{self.decimals}f}"
        if float(text) == 0.0:
            return f"<{10.0**-self.decimals:.{self.decimals}f}" if shown > 0.0 else f"{0.0:.{self.decimals}f}"
        return text.replace("-", "−")

    def text(self, value: float | None, spread: float | None = None) -> str:
        """The value with its ± where there is one and its per cent sign; a dash for a value that is absent."""
        if value is None:
            return "–"
        around = "" if spread is None else f" ± {self.size(spread)}"
        return f"{self.number(value)}{around}{' %' if self.percent else ''}"

    def signed(self, value: float) -> str:
        """A difference with its sign, which what the decimals do not show lacks; of shares in percentage points."""
        text = self.number(abs(value))
        if text.startswith("<") or float(text) == 0.0:
            return f"{0.0:.{self.decimals}f}"
        return f"{'−' if value < 0 else '+'}{text}"

    def size(self, spread: float) -> str:
        """The half width of a ±, in the unit and with the decimals of the value."""
        shown = spread * self.factor
        return f"{shown:.2e}" if shown >= HUGE else f"{shown:.{self.decimals}f}"


QUALITY = (
    Column(
        "FID_k", "FID_k", "down",
        meaning="distance of the followers to the reference set in speeds and places of joints",
        cannot_tell="few clips against 72 dimensions raise it, for every system alike",
    ),
    Column(
        "FID_g", "FID_g", "down",
        meaning="the same in geometric relations of limbs",
        cannot_tell="features are yes or no, so small faults of a pose do not show",
    ),
    Column(
        "Div_k", "Div_k", "up",
        meaning="spread among the followers in speeds and places; the paper's arrow points up",
        cannot_tell="noise is diverse too: near the ground truth's value is right",
    ),
    Column(
        "Div_g", "Div_g", "up",
        meaning="the same in geometric relations of limbs",
        cannot_tell="noise is diverse too: near the ground truth's value is right",
    ),
)  # fmt: skip
INTERACTION = (
    Column(
        "FID_cd", "FID_cd", "down",
        meaning="distance to the reference set in distances between ten joints of each dancer",
        cannot_tell="a clip's mean distances alone: not when in the clip the dancers were near",
    ),
    Column(
        "Div_cd", "Div_cd", "up",
        meaning="spread of those distances; the paper's arrow points up",
        cannot_tell="a follower who drifts away is diverse: near the ground truth's value is right",
    ),
    Column(
        "PR", "PR", "down", percent=True,
        meaning="share of the follower's surface points inside the leader, over all frames",
        cannot_tell="dancers who stay apart have 0: read it with CF",
    ),
    Column(
        "CF", "CF", "up", percent=True,
        meaning="share of frames in which points of the two are nearer than the contact distance (the paper's is 1 cm)",
        cannot_tell="any contact counts, wanted or not, and being inside the leader too: read it with PR",
    ),
    Column(
        "BED", "BED", "up", 4,
        meaning="the leader's motion beats answered by the follower's",
        cannot_tell="a follower with many beats answers every one",
    ),
)  # fmt: skip
RHYTHM = (
    Column(
        "BAS", "BAS", "up", 4,
        meaning="music beats met by motion beats of the follower; chance is about 0.20",
        cannot_tell="trembling meets many beats: the ground truth itself is near chance",
    ),
)  # fmt: skip
#: Table 3 of the paper, by the words over its columns.
GROUPS = (("Motion quality", QUALITY), ("Interaction quality", INTERACTION), ("Rhythm", RHYTHM))

RATES = (
    replace(INTERACTION[3], decimals=4),
    Column(
        "CLR", "CLR", "up", 4, True,
        meaning="share of the leader's surface points in contact, over all frames",
        cannot_tell="where on the body: see the contact map",
    ),
    Column(
        "CFR", "CFR", "up", 4, True,
        meaning="share of the follower's surface points in contact, over all frames",
        cannot_tell="where on the body: see the contact map",
    ),
    Column("CVR", "CVR", "up", 4, True, meaning="mean of CLR and CFR", cannot_tell="where on the body"),
)  # fmt: skip
#: Table 10 of the paper.
CONTACT_GROUPS = (("Contact", RATES),)

HANDS = (
    Column(
        "CF_duolando", "CF, Duolando", "up", percent=True,
        meaning="share of frames in which any triangle of one body, inflated by 1 cm, cuts one of the other",
        cannot_tell="a deep penetration counts as contact",
    ),
    Column(
        "held_hand_mm", "held hand", "down", 1, unit="mm",
        meaning="where the true follower's hand touches the leader: how far this follower's hand is from there",
        cannot_tell="another hold that is as good counts as an error",
    ),
    Column(
        "hand_precision", "hand precision", "up", 1, True,
        meaning="of the frames with a hand on the leader, the share in which the true follower's hand was too",
        cannot_tell="one follower is not the only right one",
    ),
    Column(
        "hand_recall", "hand recall", "up", 1, True,
        meaning="of the frames with the true follower's hand on the leader, the share in which this one's is too",
        cannot_tell="a hand that never lets go has 100 %: read it with precision",
    ),
)  # fmt: skip
PLACE = (
    Column(
        "joint_error_mm", "joints to true", "down", 1, unit="mm",
        meaning="mean distance of the 55 joints to the true follower's",
        cannot_tell="a good dance that differs from the true one has a large error",
    ),
    Column(
        "distance_error_mm", "couple's distance", "down", 1, unit="mm",
        meaning="distance between the two pelvises over the floor against the true couple's",
        cannot_tell="on which side of the leader the follower is",
    ),
    Column(
        "drift_mm_per_s", "drift", "down", 2, unit="mm/s",
        meaning="slope of the error of that distance over the take; 0 is right",
        cannot_tell="an error that is there from the start does not drift",
    ),
)  # fmt: skip
FEET = (
    Column(
        "PFC", "PFC", "down", 4,
        meaning="EDGE's foot contact: pelvis acceleration while both feet move",
        cannot_tell="who stands still has 0, and a spin on the ball of a foot is punished",
    ),
    Column(
        "skating_lodge", "skating, LODGE", "down", percent=True,
        meaning="share of a foot's contact frames in which it slides",
        cannot_tell="dances that glide slide on purpose: compare with the ground truth",
    ),
    Column(
        "skating_duolando", "skating, Duolando", "down", percent=True,
        meaning="share of frames in which the pelvis travels and both ankles travel with it, like a statue on wheels",
        cannot_tell="slow sliding stays below its threshold",
    ),
    Column(
        "floor_mm", "below floor", "down", 1, unit="mm",
        meaning="mean depth of the lowest vertex under the floor",
        cannot_tell="a body that floats has 0: read it with the height above",
    ),
    Column(
        "floating_mm", "above floor", "down", 1, unit="mm",
        meaning="mean height of the lowest vertex over the floor",
        cannot_tell="jumps and lifts float too: compare with the ground truth",
    ),
    Column(
        "jitter", "jitter", "none", 0, unit="m/s³",
        meaning="mean third derivative of the joints",
        cannot_tell="stillness has 0: near the ground truth's value is right",
    ),
)  # fmt: skip
VARIETY = (
    Column(
        "BAS_aistpp", "BAS, AIST++", "up", 4,
        meaning="motion beats met by music beats, the other direction",
        cannot_tell="one motion beat on one music beat scores 1",
    ),
    Column(
        "genre_consistency", "genre kept", "up", 1, True,
        meaning="share of clips nearest to their own genre's centroid in the reference set",
        cannot_tell="neighbouring genres overlap: the ground truth shows how far it can be kept",
    ),
    Column(
        "MM_k", "MM_k", "none",
        meaning="spread among the followers of one leader, by several seeds, in the features of FID_k",
        cannot_tell="whether the followers are good; a close hold leaves little room",
    ),
    Column(
        "MM_cd", "MM_cd", "none",
        meaning="the same in the features of FID_cd",
        cannot_tell="whether the followers are good; a close hold leaves little room",
    ),
)  # fmt: skip
COST = (
    Column(
        "seconds_per_minute", "time", "down", 1, unit="s/min",
        meaning="seconds of the processor's time that a minute of dance took to generate",
        cannot_tell="another machine, or one with other work: compare rows of one run",
    ),
)  # fmt: skip
#: What the paper does not measure, in tables that fit a page.
MORE_GROUPS: tuple[tuple[tuple[str, tuple[Column, ...]], ...], ...] = (
    (("Hands on the leader", HANDS), ("Against the true follower", PLACE)),
    (("Feet, floor, smoothness", FEET), ("Beats, genre, variety", VARIETY)),
    (("Cost", COST),),
)

TABLE_3 = tuple(column for _, columns in GROUPS for column in columns)
MORE = tuple(column for groups in MORE_GROUPS for _, columns in groups for column in columns)
#: By key. CF has two decimals here, as in Table 3; Table 10 shows four.
COLUMNS: dict[str, Column] = {column.key: column for column in (*TABLE_3, *RATES[1:], *MORE)}
#: Which way a verdict calls better. The paper's arrows of Div point up, but noise is the most diverse: two systems differ in
#: it, and the ground truth tells which is right.
BETTER: dict[str, Better] = {key: "none" if key.startswith("Div") else column.better for key, column in COLUMNS.items()}


def in_words(column: Column) -> str:
    """Which way is better, where the paper's arrow and sense part, both."""
    ways = {"down": "lower is better", "up": "higher is better", "none": "near the truth is right"}
    words = ways[BETTER.get(column.key, column.better)]
    return words if ways[column.better] == words else f"{words} (the paper: {ways[column.better].split()[0]})"


def measured(columns: Iterable[Column], keys: Iterable[str]) -> tuple[Column, ...]:
    """The columns, in their order, that have one of the keys."""
    known = set(keys)
    return tuple(column for column in columns if column.key in known)
