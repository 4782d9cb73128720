"""Music of the ballroom: slow waltz, tango, foxtrot, swing."""

from __future__ import annotations

from interdance.music.scores.notation import OPENING_4, Chords, Drum, Lead, Line, Metre, Score

WALTZ = Score(
    metre=Metre(3, 84, 96),
    harmony={
        "major": {
            "A": ("I vi ii V7 I IV V7 I", "I V7 V7 I IV I V7 I", "Imaj7 iii7 IV V7 vi ii7 V7 I"),
            "B": ("vi iii IV I ii V7 I I", "IV IV I I ii7 V7 I I", "iii vi ii V7 iii vi V7 I"),
            "C": ("I I ii ii V7 V7 I I", "vi vi ii ii V7 V7 I V7"),
        },
        "minor": {
            "A": ("i iv V7 i bVI iv V7 i", "i V7 V7 i iv i V7 i"),
            "B": ("bIII bVII bIII V7 i iv V7 i", "iv bVII bIII bVI iih V7 i i"),
            "C": ("bVI bVI bIII bIII iv iv V7 V7", "i i iv iv V7 V7 i V7"),
        },
    },
    forms=("AABBCA", "AABAXC", "ABACXB"),
    shift={"C": 5},
    hall=(1.1, 0.2),
    fills=(
        (Drum("brush", ("x.xxx.",), 2.0), Drum("bass_drum", ("x.....",), 0.26)),
        (Drum("brush", ("x.x.x.",), 2.0), Drum("triangle", ("x.....",), 0.75)),
    ),
    parts=(
        Drum("bass_drum", ("X..",), 0.32),
        Drum("brush", ("oxx", "xxo", "oxo"), 1.3),
        Drum("ride", ("X..",), 0.6, "ABCE"),
        Line("bass|pizzicato", ("1--|v--", "1--|5--", "1--|v-n"), 0.5, low=36),
        Chords("piano|accordion|guitar", (".xx", ".xx|.xo", "oxx"), 0.65, "IABCE", low=55, ring=0.55),
        Line("piano", ("1..",), 0.4, low=36, double=12, ring=1.5),
        Line("harp|piano", ("135835", "158085"), 0.3, "XB", low=50, ring=2.0),
        Chords("strings", ("x-----",), 0.28, "BCE", low=58),
        Lead(
            "violin|clarinet|accordion",
            ("x---x-", "x-x-x-", "x--xx-", "x-----", "x-xxxx", "..x-x-"),
            0.32,
            "AX",
            low=64,
            high=84,
            ornament=0.08,
            cadence="x-----",
        ),
        Lead(
            "strings|flute|violin",
            ("x-----", "x---x-", "x-x-x-", "x--xxx"),
            0.48,
            "BC",
            low=67,
            high=86,
            second=-2,
            cadence="x-----",
        ),
        Lead("cello", ("x-----", "x---x-"), 0.28, "BC", low=45, high=62, leap=0.1),
    ),
)

TANGO = Score(
    metre=Metre(4, 116, 130),
    harmony={
        "minor": {
            "A": ("i i V7 V7 V7 V7 i i", "i iv V7 i bVI bIII V7 i", "i V7 i I7 iv i V7 i"),
            "B": ("iv iv i i V7 V7 i I7", "bVI bVI bIII bIII iih V7 i i", "I I ii V7 ii V7 I I"),
            "C": ("i bVII bVI V7 i bVII bVI V7", "i I7 iv bVI i iih V7 i"),
        },
    },
    forms=("AABBC", "ABACX", "AABXCB"),
    hall=(0.7, 0.13),
    parts=(
        Drum("stamp", ("X.x.X.x.", "X.x.X.xx"), 0.5),
        Drum("castanet", ("..x...xx", "x..x..x."), 0.24, "B"),
        Line("bass", ("1-1-5-1-", "1-5-1-5-", "1-3-5-a-"), 0.38, "IABE", low=34, ring=0.55),
        Line("bass", ("1--1--5-|1-1-5-a-", "1--5--1-|1-5-3-a-"), 0.4, "CX", low=34, ring=0.7),
        Chords("bandoneon", ("X.x.X.x.", "X.x.X.xx", "X.xxX.x."), 0.7, "IAE", low=53, ring=0.5),
        Chords("bandoneon", ("X.xX..X.|X.x.X.x.", "X..X..X.|X.x.X.x.", "xX.x.X..|X.x.X.x."), 0.7, "BCX", low=53, ring=0.5),
        Chords("piano", ("X.x.X.x.", "X-x.X-x.", "x...X..."), 0.6, low=45, ring=0.5),
        Line(
            "piano",
            ("......12|......a.", "................|........1.2.3.5.", "......53|........"),
            0.34,
            "ABCX",
            low=48,
            ring=0.8,
        ),
        Chords("strings", ("x-----..",), 0.2, "BC", low=60),
        Line("pizzicato", ("1.3.5.3.", "..5...5."), 0.3, "C", low=60),
        Lead(
            "bandoneon|violin",
            ("x-x-x---", "x--xx-x-", "xxx-x-..", "..xxx-x-", "x-----xx", "x-xxx---"),
            0.32,
            "AX",
            low=64,
            high=82,
            ornament=0.15,
            cadence="x-x-x...",
        ),
        Lead("violin|strings", ("x-------", "x-----x-", "x---x---", "x--xx---"), 0.4, "B", low=67, high=86, cadence="x---x..."),
        Lead(
            "bandoneon|violin",
            ("xxxxxxxx", "xxxxxxxxxxxxxxxx", "xxx.xxx.", "x.xxxxx-"),
            0.44,
            "C",
            low=62,
            high=84,
            leap=0.15,
            cadence="x.x.x...",
        ),
    ),
)

_WALKS = ("1 3 5 a", "1 5 3 a", "1 2 3 a", "8 7 5 a", "1 3 5 6", "1 5 8 a")

FOXTROT = Score(
    metre=Metre(4, 112, 124, eighth=0.63),
    harmony={
        "major": {
            "A": ("I6 VI7 ii7 V7 I6 VI7 ii7 V7", "I6 I6 II7 II7 ii7 V7 I6 V7", "Imaj7 vi7/VI7 ii7 V7 iii7 VI7 ii7/V7 I6"),
            "B": ("IV6 iv6 I6 I6 II7 II7 ii7 V7", "III7 III7 VI7 VI7 II7 II7 V7 V7", "IVmaj7 iv6 iii7 VI7 ii7 V7 I6 I6"),
        },
    },
    forms=("AABA", "AABAX", "ABAXB"),
    hall=(0.7, 0.13),
    fills=(
        (Drum("snare", ("x..xx..xX...",), 0.42), Drum("kick", ("X.....X.....",), 0.3)),
        (Drum("snare", ("x.x.xxx.",), 0.42), Drum("hat", ("..X...X.",), 0.9), Drum("kick", ("X...X...",), 0.3)),
    ),
    parts=(
        Drum("brush", ("X.xox.xo", "X.xxx.xx", "X.x.x.xo"), 1.7),
        Drum("hat", ("..X...X.",), 1.05, "ABE"),
        Drum("kick", ("X.o.x.o.", "X...x..."), 0.5),
        Drum("ride", ("X.xox.xo",), 0.5, "B"),
        Line("bass", ("1-5-", "1-v-", "1-5a"), 0.46, "IAXE", low=34),
        Line("bass", _WALKS, 0.46, "B", low=34),
        Chords("piano|guitar", (".x.x", "..x...x.", ".xxx"), 0.55, "IABE", low=55, size=4, ring=0.45),
        Chords("guitar", ("xxxx",), 0.36, "AB", low=52, size=4, ring=0.4),
        Chords("strings", ("x-------",), 0.18, "B", low=60, size=4),
        Lead(
            "clarinet|muted_trumpet|saxophone|violin",
            ("x-x-x---", "x--xx-x-", "..xxx-x-", "x.xx.xx-", "x---x-xx", "xx.x.x--"),
            0.28,
            "A",
            low=64,
            high=83,
            ornament=0.06,
            leap=0.4,
            cadence="x-x-x---",
        ),
        Lead(
            "saxophone|horns|muted_trumpet",
            ("x-----xx", "x--x----", ".x.xx---", "x-x-x-x-"),
            0.36,
            "B",
            low=62,
            high=79,
            second=-2,
        ),
        Lead("piano|vibraphone", ("..xxxxx-", "x.x.xxx.", ".xxx.xx.", "x--x--x-"), 0.38, "X", low=67, high=86, leap=0.5),
    ),
)

SWING = Score(
    metre=Metre(4, 130, 180, eighth=0.66, drift=0.008),
    harmony={
        "major": {
            "A": ("I6 VI7 ii7 V7 I6 VI7 ii7 V7", "I6 I7 IV6 iv6 I6 VI7 II7 V7", "I6 I6 VI7 VI7 ii7 V7 I6 V7"),
            "B": ("III7 III7 VI7 VI7 II7 II7 V7 V7", "I7 I7 IV6 IV6 II7 II7 V7 V7"),
        },
        "blues": {
            "A": ("I7 IV7 I7 I7 IV7 IV7 I7 VI7", "I7 I7 I7 I7 IV7 IV7 I7 V7"),
            "B": ("ii7 V7 I7 VI7 ii7 V7 I7 V7", "IV7 IV7 I7 I7 V7 IV7 I7 V7"),
        },
        "minor": {
            "A": ("i6 i6 V7 V7 i6 iv6 i6 V7", "i6 bVI7 V7 i6 i6 bVI7 V7 i6"),
            "B": ("iv6 iv6 i6 i6 bVI7 bVI7 V7 V7", "I7 I7 iv6 iv6 bVII7 bIII6 V7 V7"),
        },
    },
    forms=("AABA", "AABAXB", "ABAXBA"),
    hall=(0.6, 0.12),
    fills=(
        (Drum("snare", ("x..x.xX..x.x",), 0.6), Drum("kick", ("X..X..X..X..",), 0.5), Drum("hat", ("...X.....X..",), 0.9)),
        (Drum("tom", ("X.xx..X.xx.x",), 0.5), Drum("kick", ("X..X..X..X..",), 0.5), Drum("hat", ("...X.....X..",), 0.9)),
        (Drum("snare", ("X...X...xxxX",), 0.55), Drum("kick", ("X..X..X..X..",), 0.5)),
    ),
    parts=(
        Drum("ride", ("X.xox.xo", "X.xxx.x.", "X.xoX.xo"), 0.95, "ABE"),
        Drum("crash", (OPENING_4,), 0.3, "ABD"),
        Drum("hat", ("..X...X.",), 1.4),
        Drum("kick", ("X.o.x.o.", "X.x.x.x."), 0.6),
        Drum("snare", ("..x...x.", "..x...xo", ".ox...x."), 0.42),
        Drum("rim", ("..x...x.",), 0.4, "X"),
        Line("bass", _WALKS, 0.44, low=33),
        Chords("piano", ("..x....x|.x....x.", "x..x....|...x..x.", ".x.x...."), 0.55, "ABE", low=55, size=4, ring=0.5),
        Chords("guitar", ("xxxx", "xXxX"), 0.48, "IABXE", low=52, size=4, ring=0.35),
        Lead(
            "saxophone|clarinet|trumpet",
            ("xxxxx-..", ".xx.x-xx", "x.xx.x--", "x-xxx-x-", "..xx.xx-", "xxx-.x--"),
            0.28,
            "A",
            low=62,
            high=84,
            ornament=0.04,
            leap=0.4,
            cadence="x.xx-...",
        ),
        Lead(
            "horns", ("x..x....", ".x.x.x..", "xx.x....", "x-x.xx.."), 0.44, "B", low=62, high=78, second=-2, cadence="x..x...."
        ),
        Chords("horns", ("...x....|.x......", "......xx|.......x", "...x...x|........"), 0.42, "AE", low=60, size=4, ring=0.7),
        Lead(
            "piano|vibraphone|clarinet", ("xxxxxxx-", ".xxx.xx-", "x.xxxxx.", "xx.xx.x-"), 0.36, "X", low=67, high=88, leap=0.4
        ),
    ),
)
