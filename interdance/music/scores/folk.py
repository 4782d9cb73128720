"""Music of the folk dances: polka, csardas, landler."""

from __future__ import annotations

from interdance.music.scores.notation import Chords, Drum, Lead, Line, Metre, Score

POLKA = Score(
    metre=Metre(2, 104, 120),
    harmony={
        "major": {
            "A": ("I I V7 V7 V7 V7 I I", "I IV V7 I I IV V7 I", "I I I V7 V7 V7 V7 I"),
            "B": ("V7 I V7 I II7 V7 I I", "vi vi III7 vi ii V7 I I", "IV I V7 I IV I V7 I"),
            "C": ("I I IV IV V7 V7 I I", "I vi ii V7 I vi V7 I"),
        },
    },
    forms=("AABBACC", "AABACCX", "ABAXCCB"),
    shift={"C": 5},
    hall=(0.6, 0.12),
    fills=(
        (Drum("snare", ("x.xxxxxx",), 0.85), Drum("bass_drum", ("X...X...",), 0.4)),
        (Drum("snare", ("x.x.X.xx",), 0.85), Drum("bass_drum", ("X...X...",), 0.4), Drum("crash", ("....x...",), 0.3)),
    ),
    parts=(
        Drum("bass_drum", ("X.o.", "X.x."), 0.48),
        Drum("cymbals", ("X...",), 0.55),
        Drum("snare", (".x.x", "..x.o.x.", "..x...xx"), 0.7),
        Drum("tambourine", (".x.x", "x.xxx.xx"), 0.85, "BC"),
        Line("tuba", ("1.v.", "1.v.|1.v.", "1.5.|v.5."), 0.44, low=36, ring=0.7),
        Chords("accordion", (".x.x",), 0.48, low=57, ring=0.5),
        Chords("guitar", (".x.x",), 0.36, "BC", low=55, ring=0.4),
        Lead(
            "clarinet|accordion|clarinet",
            ("x-xxx-x-", "xxxxx-x-", "x-x-xxxx", "xxx-xxx-", "x-xxxxxx", "xxxxxxxx"),
            0.32,
            "AX",
            low=67,
            high=91,
            ornament=0.2,
            leap=0.35,
            cadence="x-x-x...",
        ),
        Lead(
            "accordion|trumpet|clarinet",
            ("x-x-x-x-", "x--xx---", "xxx-x-x-", "x-xxx---"),
            0.44,
            "B",
            low=64,
            high=84,
            second=-2,
            ornament=0.1,
            cadence="x-x-x...",
        ),
        Lead("horns|clarinet|trumpet", ("x---x---", "x-------", "x--xx-x-", "x-x-x---"), 0.4, "C", low=62, high=81, second=-2),
        Line("flute", ("5.8.0.8.", "8585 0.8.", "........|5.858.5."), 0.16, "C", low=72, ring=0.6),
    ),
)

CSARDAS = Score(
    metre=Metre(4, 130, 170, drift=0.018),
    harmony={
        "gypsy": {
            "A": ("i i iv i V7 V7 i i", "i V7 i iv i V7 i i", "i iv i V7 i iv V7 i"),
            "B": ("bIII bIII bVII bVII iv i V7 i", "iv iv i i iio V7 i i", "bVI bIII iv i iv i V7 i"),
        },
        "minor": {
            "A": ("i i bVII bIII iv i V7 i", "i iv bVII bIII iv i V7 i"),
            "B": ("bIII bVII bIII bIII iv i V7 i", "iv iv bIII bIII V7 V7 i i"),
        },
    },
    forms=("AABB", "AABBXA", "ABAXB"),
    hall=(0.7, 0.13),
    parts=(
        Line("bass", ("1.1.5.1.", "1.5.1.5.", "1.1.5.5."), 0.55, low=33, ring=0.8),
        Chords("kontra", (".x.x.x.x",), 0.32, "IABE", low=55, ring=0.6),
        Chords("kontra", ("X-x-X-x-", "X.x.X.xx"), 0.5, "XE", low=55, ring=0.8),
        Chords("cimbalom", ("X.x.X.x.", "X.x.x.x."), 0.4, low=50, ring=0.8),
        Drum("stamp", ("X.x.X.x.",), 0.75),
        Drum("tambourine", ("x.x.x.x.",), 0.24, "B"),
        Line(
            "cimbalom",
            ("1.358.538.531.53", "8.538.358.538.53", "1.5.3.5.1.5.3.5.", "8.8.8.8.5.5.5.5."),
            0.4,
            "IABXE",
            low=57,
            ring=1.2,
        ),
        Lead(
            "violin|violin|clarinet",
            (
                "x--xx--xx-x-x---",
                "x-x-x--xx-x-x-x-",
                "xxxxx-x-x--xx---",
                "x--xx-x-xxxxx-x-",
                "x---x--xx-x-x---",
                "x-xxx-xxx-x-x---",
            ),
            0.36,
            "AX",
            low=67,
            high=91,
            ornament=0.3,
            cadence="x--xx-x-x---....",
        ),
        Lead(
            "violin|clarinet",
            ("xxxxxxxxxxxxx---", "x--xx--xx--xx---", "xxx-xxx-x-x-x---", "x-------x--xx---", "xxxxx---xxxxx---"),
            0.55,
            "B",
            low=69,
            high=93,
            ornament=0.2,
            leap=0.2,
            cadence="x--xx-x-x---....",
        ),
        Lead("clarinet|cello", ("x-------", "x---x---", "x-x-x---"), 0.26, "B", low=57, high=74, cadence="x-x-x..."),
    ),
)

LANDLER = Score(
    metre=Metre(3, 96, 120),
    harmony={
        "major": {
            "A": ("I I V7 V7 V7 V7 I I", "I V7 I V7 I V7 V7 I", "I IV V7 I I IV V7 I"),
            "B": ("V7 V7 I I V7 V7 I I", "IV IV I I V7 V7 I I", "I V7 V7 I IV I V7 I"),
            "C": ("I I I V7 V7 V7 V7 I", "I I V7 I I I V7 I"),
        },
    },
    forms=("AABB", "AABBCC", "ABXACC"),
    shift={"C": 5},
    hall=(0.8, 0.14),
    parts=(
        Drum("stamp", ("X..",), 0.32),
        Drum("clap", (".xx", "..x|.xx"), 0.2, "CX"),
        Line("bass|tuba", ("1..|v..", "1..|5..", "1..|v.n"), 0.5, low=36, ring=1.4),
        Chords("zither|guitar", (".xx", "oxx"), 0.7, low=55, ring=0.9),
        Chords("accordion", (".xx",), 0.32, "BC", low=57, ring=0.45),
        Line("zither", ("1-----",), 0.34, "IABXE", low=45, ring=1.1, double=7),
        Line("cimbalom|harp", ("135835", "1.5.8.", "8.5.3."), 0.26, "BX", low=60, ring=1.2),
        Lead(
            "clarinet",
            ("x-x-x-", "x---x-", "x-xxx-", "xxxxxx", "x--xx-", "x-x---"),
            0.32,
            "A",
            low=66,
            high=86,
            second=-2,
            leap=0.6,
            ornament=0.1,
            cadence="x---..",
        ),
        Lead(
            "clarinet|violin|flute",
            ("xxxxxx", "x-xxxx", "x-x-x-", "x---x-"),
            0.48,
            "B",
            low=69,
            high=89,
            second=-2,
            leap=0.7,
            cadence="x---..",
        ),
        Lead(
            "zither|accordion",
            ("x-x-x-", "x---xx", "x-xxx-", "x-----"),
            0.6,
            "CX",
            low=64,
            high=83,
            second=-2,
            leap=0.5,
            cadence="x---..",
        ),
    ),
)
