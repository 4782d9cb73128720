"""Music of the stage and the court: minuet, pas de deux."""

from __future__ import annotations

from interdance.music.scores.notation import Chords, Drum, Lead, Line, Metre, Score

MINUET = Score(
    metre=Metre(3, 100, 116),
    harmony={
        "major": {
            "A": ("I I V7 I IV I V7/V V", "I V I vi II7 V II7 V", "I IV V7 I I ii V7 I"),
            "B": ("V7 V7 I I ii ii V7 I", "V V7 I I IV I V7 I", "vi III7 vi vi ii V7 V7 I"),
            "C": ("i i V7 i iv i V7 i", "i iv bVII bIII iv i V7 i"),
            "D": ("bIII bVII bIII bIII iv i V7 i", "V7 i V7 i iv i V7 i"),
        },
        "minor": {
            "A": ("i V7 i iv i V7 i V", "i i V7 i iv iv V7 i"),
            "B": ("bIII bVII bIII bIII iv i V7 i", "V7 i V7 i bVI iv V7 i"),
            "C": ("I I V7 V7 I IV V7 I", "I IV V7 I ii V7 V7 I"),
            "D": ("V V7 I I IV I V7 I", "vi ii V7 I ii V7 V7 I"),
        },
    },
    forms=("AABBCCDDAB", "AABB", "AABBAABBCCDD"),
    hall=(1.0, 0.18),
    parts=(
        Chords("harpsichord", ("Xxx", "Xxx|X.x", "X.x|Xxx"), 0.55, "IABE", low=55, ring=0.8),
        Chords("pizzicato", ("Xxx",), 0.55, "CD", low=55, ring=1.0),
        Line("harpsichord", ("135 ", "1 v 1", "1 3 5|1 5 v", "1-3-5-|1---v-"), 0.36, low=38, ring=0.9),
        Line("cello", ("1-3-5-", "1-----|1-5-1-", "1---v-"), 0.28, low=38, ring=0.8),
        Line("pizzicato", ("1..", "1.5"), 0.3, "AB", low=43),
        Chords("strings", ("x-x-x-", "x---x-"), 0.2, "BD", low=60, ring=0.8),
        Lead(
            "flute|violin|oboe",
            ("x-x-x-", "x-xxxx", "xxxxx-", "x---x-", "x-x---", "xxxxxx"),
            0.32,
            "AB",
            low=67,
            high=88,
            ornament=0.25,
            leap=0.35,
            cadence="x-x---",
        ),
        Lead("violin|strings", ("x-----", "x-x-x-", "x---x-"), 0.28, "BD", low=60, high=76, cadence="x-----"),
        Lead(
            "oboe|flute|violin",
            ("x-xxx-", "x---xx", "x-x-x-", "xxxxxx"),
            0.46,
            "CD",
            low=65,
            high=86,
            second=-2,
            ornament=0.2,
            cadence="x-x---",
        ),
    ),
)

PAS_DE_DEUX = Score(
    metre=Metre(4, 66, 80, drift=0.018),
    harmony={
        "major": {
            "A": ("I iii vi IV ii V7 I V7", "Imaj7 VI7 ii V7 I IV V7 I", "I IV ii V7 vi ii V7 I"),
            "B": ("vi iii IV I ii vi II7 V7", "IV iv6 I VI7 ii V7 I I", "bVI bVI I I bVI iv6 V7 V7"),
            "C": ("I V7/vi vi iii IV I ii7 V7", "IV V7 iii vi ii V7 I I"),
        },
        "minor": {
            "A": ("i iv bVII bIII bVI iih V7 i", "i V7 i iv bVI iv V7 i"),
            "B": ("bIII V7 i iv bVI bIII V7 V7", "iv bVII bIII bVI iih V7 i I7"),
            "C": ("I iii vi IV ii V7 I V7", "bVI bVII i i bVI iv V7 i"),
        },
    },
    forms=("AABC", "ABAC", "AABXC"),
    hall=(1.5, 0.22),
    parts=(
        Line("piano", ("15 80 85 35", "13 58 35 85", "15 38 53 85", "158 085 158 083"), 0.42, "IABX", low=45, ring=1.8),
        Line("harp", ("1358 0853 1358 0853", "1580 8585 1580 8535"), 0.42, "CE", low=48, ring=1.5),
        Line("piano", ("1-v-", "1---5---", "1-5-"), 0.32, low=33, ring=1.1),
        Chords("piano|harp", ("Xxxx", "XoXo", "XxXx"), 0.48, low=57, ring=0.9),
        Line("pizzicato|bass", ("1.5.", "1...", "1.v."), 0.26, "BCE", low=36, ring=1.2),
        Chords("strings", ("x---", "x-x-"), 0.34, "BCE", low=55, ring=1.0),
        Drum("triangle", ("x.......",), 0.24, "C"),
        Drum("bass_drum", ("x...|....",), 0.2, "C"),
        Lead(
            "cello|cello|clarinet",
            ("x---x-x-", "x-----xx", "x-x-x---", "x--xx-x-", "x-------", "..x-x-x-"),
            0.32,
            "A",
            low=52,
            high=72,
            leap=0.35,
            cadence="x-------",
        ),
        Lead(
            "violin|oboe|flute",
            ("x---x-x-", "x-----x-", "x-xxx---", "x--xx---", "x-x-x-x-"),
            0.44,
            "BX",
            low=67,
            high=86,
            leap=0.4,
            cadence="x-------",
        ),
        Lead(
            "strings",
            ("x---x-x-", "x-----xx", "x-x-x---", "x-------"),
            0.5,
            "C",
            low=64,
            high=84,
            second=-2,
            leap=0.4,
            cadence="x-------",
        ),
    ),
)
