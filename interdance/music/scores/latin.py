"""Music of the Latin dances: rumba, cha-cha, salsa, bachata."""

from __future__ import annotations

from interdance.music.scores.notation import Chords, Drum, Lead, Line, Metre, Score

RUMBA = Score(
    metre=Metre(4, 96, 108),
    harmony={
        "minor": {
            "A": ("i i iv V7 i i V7 i", "i iv i V7 i iv V7 i", "i bVII bVI V7 i bVII bVI V7"),
            "B": ("iv bVII7 bIII bVI iih V7 i V7", "bVI bIII V7 i iv i V7 i"),
        },
        "major": {
            "A": ("Imaj7 vi7 ii7 V7 Imaj7 vi7 ii7 V7", "I6 I6 ii7 V7 ii7 V7 I6 V7"),
            "B": ("IVmaj7 iv6 iii7 vi7 ii7 V7 I6 I6", "vi iii IV I ii7 V7 I6 V7"),
        },
    },
    forms=("AABAX", "ABABX", "AABXB"),
    paired=True,
    hall=(0.8, 0.16),
    fills=(
        (Drum("bongo_high", ("x.x.x.x.xxx.....",), 0.7), Drum("bongo_low", ("............X.x.",), 0.85)),
        (Drum("bongo_high", ("X...x...x.x.xxxx",), 0.7), Drum("conga_open", ("....X.......X.x.",), 0.7)),
    ),
    parts=(
        Drum("clave", ("x..x...x..x.x...", "x..x..x.|..x.x..."), 0.34, "ABXE"),
        Drum("maracas", ("XoxoXoxo",), 0.7),
        Drum("bongo_high", ("XoxxXox.", "Xoxo Xo.."), 0.6),
        Drum("bongo_low", ("......X.", "......Xo"), 0.7),
        Drum("conga_open", ("......xx|..o...xx", "......Xx"), 0.6, "ABXE"),
        Drum("conga_slap", ("..X.....",), 0.36, "ABE"),
        Line("bass", ("1---5-8-", "1--.5-1-", "1---5-n-"), 0.38, low=34),
        Line("guitar|guitar|harp", ("15358353", "1.538.35", "15830835"), 0.34, "IABXE", low=48, ring=1.6),
        Chords("piano|guitar|vibraphone", ("..x.x.x.", "X..x..x.", "..x---x-"), 0.48, "ABE", low=57),
        Chords("strings|organ", ("x-------",), 0.22, "BE", low=60),
        Lead(
            "flute|muted_trumpet|violin|clarinet",
            ("x---..xx", "x-xxx---", "..xxx-x-", "x--xx---", "xxx-x-x-", ".xxxx-x-"),
            0.28,
            "AX",
            low=65,
            high=84,
            ornament=0.1,
            cadence="x---x---",
        ),
        Lead(
            "guitar|muted_trumpet|strings",
            ("x---x---", "x-xxx-x-", "x-------", "..xxx---"),
            0.44,
            "BE",
            second=-2,
            cadence="x-------",
        ),
    ),
)

CHA_CHA = Score(
    metre=Metre(4, 112, 128, drift=0.006),
    harmony={
        "dorian": {
            "A": ("i7 IV7 i7 IV7 i7 IV7 i7 IV7", "i7 i7 IV7 IV7 i7 i7 IV7 V7"),
            "B": ("i7 bVII bVI V7 i7 bVII bVI V7", "iv7 iv7 i7 i7 iv7 iv7 V7 V7"),
        },
        "major": {
            "A": ("I IV V7 IV I IV V7 IV", "I I IV V7 I I IV V7"),
            "B": ("ii7 V7 I6 vi7 ii7 V7 I6 I6", "IV I V7 I IV I V7 V7"),
        },
        "minor": {
            "A": ("i V7 V7 i i V7 V7 i", "i iv V7 i i iv V7 i"),
            "B": ("iv bVII7 bIII bVI iv i V7 V7", "bVI V7 bVI V7 iv V7 i V7"),
        },
    },
    forms=("AABXB", "AABBX", "ABAXB"),
    paired=True,
    hall=(0.5, 0.1),
    fills=(
        (Drum("timbale", ("x.x.xx..x.x.X.X.",), 0.85), Drum("cowbell", ("X...X...X.......",), 0.5)),
        (Drum("timbale", ("....x.x.xxxxX.X.",), 0.85), Drum("guiro", ("X...x...x...x...",), 0.7)),
        (Drum("conga_open", ("x.x.X...x.x.X.X.",), 0.6), Drum("cowbell", ("X...X...X...X...",), 0.5)),
    ),
    parts=(
        Drum("guiro_long", ("X...X...",), 1.05),
        Drum("guiro", ("..xx..xx",), 1.0),
        Drum("cowbell", ("X.x.x.x.", "X.x.xox."), 0.75, "ABXE"),
        Drum("conga_slap", ("..X.....",), 0.55),
        Drum("conga_open", ("......Xx", "......Xx|...o..Xx"), 0.6),
        Drum("conga_tap", ("xx.xxx..",), 0.28, "ABX"),
        Drum("timbale", (".......x", "...x...x"), 0.28, "B"),
        Drum("kick", ("X...x...",), 0.55, "ABE"),
        Line("bass", ("1-.5--n-", "1..58-n-", "1-.51-n-", "...5--n-"), 0.4, low=33),
        Line("piano", ("1.35.835|.538.53.", "1.5.8.53|.358.538", "13.58.35|.8.53.5."), 0.32, low=55, double=12, ring=0.7),
        Line("violin|strings", ("1.3.5.3.|5.3.1.3.", "1.1.3.5."), 0.16, "B", low=67, ring=0.6),
        Lead(
            "flute|flute|trumpet|clarinet",
            ("..xxx-x-", "xxx-..x-", "x-x-xxx.", ".xxxx-..", "x.xx.xx-", "xxxx.xx."),
            0.28,
            "AX",
            low=69,
            high=88,
            ornament=0.1,
            leap=0.45,
            cadence="xxx-x...",
        ),
        Chords("horns", ("X.x....x", "......xX|x.......", "X.......|..x.x.Xx"), 0.6, "BE", low=62, ring=0.7),
    ),
)

SALSA = Score(
    metre=Metre(4, 170, 210, drift=0.006),
    harmony={
        "minor": {
            "A": ("i iv V7 i i iv V7 i", "i bVII bVI V7 i bVII bVI V7", "i7 IV7 bVII bIII bVI iv V7 i"),
            "B": ("i V7 V7 i i V7 V7 i", "i iv V7 V7 i iv V7 V7", "i i V7 V7 iv iv V7 V7"),
        },
        "major": {
            "A": ("I vi ii7 V7 I vi ii7 V7", "I IV V7 IV I IV V7 IV", "Imaj7 VI7 ii7 V7 iii7 VI7 ii7 V7"),
            "B": ("I IV V7 IV I IV V7 IV", "ii7 V7 I6 VI7 ii7 V7 I6 I6"),
        },
    },
    forms=("AABBXB", "AABXBB", "ABXABB"),
    paired=True,
    hall=(0.5, 0.1),
    fills=(
        (Drum("timbale", ("x.xxx.xx",), 0.75), Drum("cowbell", ("X.......",), 0.6), Drum("kick", ("X...X.X.",), 0.7)),
        (Drum("timbale", ("..xxxxXX",), 0.85), Drum("conga_open", ("X...x.Xx",), 0.48), Drum("cowbell", ("X.x.x...",), 0.5)),
        (Drum("conga_open", ("X.xxX.xX",), 0.55), Drum("cowbell", ("X.x.X.x.",), 0.6)),
    ),
    parts=(
        Drum("clave", ("x..x..x.|..x.x...",), 0.6, "IABXE"),
        Drum("shell", ("X.xxX.x.|X.x.Xx.x", "X.x.Xx.x|X.xxX.x."), 0.85, "A"),
        Drum("cowbell", ("X.x.x.xo|X.xox.xo", "X.x.x.x.|X.xox.xo"), 0.7, "BXE"),
        Drum("maracas", ("XoxoXoxo",), 0.9),
        Drum("conga_slap", ("..X.....",), 0.6),
        Drum("conga_open", ("......Xx", "......Xx|...o..Xx"), 0.6),
        Drum("conga_low", ("........|...x....",), 0.7, "BX"),
        Drum("conga_tap", ("XoxoXo..",), 0.6),
        Drum("bongo_high", ("XoxoXox.",), 0.42, "A"),
        Drum("kick", ("X...o...", "X...x..."), 0.6),
        Line("bass", ("1..5--n-", "...5--n-|1..5--n-", "1..58-n-"), 0.38, "ABE", low=33),
        Line(
            "piano", ("1.35.835|.8.53.5.", ".3.5.8.5|1.53.5.3", "1.5.3.8.|.583.5.3"), 0.32, "IABXE", low=55, double=12, ring=0.7
        ),
        Chords("horns", ("X..x....|......Xx", "..X.x.X.|........", "......xX|X..x.X.."), 0.5, "BE", low=62, ring=0.6),
        Lead(
            "trumpet|flute|trumpet|vibraphone",
            ("..xxx-x-", "x-xx.x--", ".x.x.x--", "x---..xx", "x.xx.xx-", "..x-x---"),
            0.24,
            "AX",
            low=67,
            high=84,
            leap=0.4,
            cadence="x-x-x---",
        ),
        Lead(
            "horns|trumpet", ("x.x.xx..", "..xx.xx.", "xx.x.x..", "........"), 0.32, "B", low=65, high=82, leap=0.5, second=-2
        ),
    ),
)

BACHATA = Score(
    metre=Metre(4, 118, 136, drift=0.006),
    harmony={
        "minor": {
            "A": ("i i iv V7 i i V7 i", "i bVII bVI V7 i bVII bVI V7", "i iv bVII bIII bVI iv V7 i"),
            "B": ("iv iv i i V7 V7 i i", "bVI bVII i i bVI bVII V7 V7"),
            "C": ("i V7 i V7 i V7 i V7", "i iv V7 i i iv V7 i"),
        },
        "major": {
            "A": ("I vi IV V7 I vi IV V7", "I V7 V7 I I V7 V7 I", "I iii IV V7 I iii IV V7"),
            "B": ("IV V7 iii vi ii V7 I I", "ii V7 I vi ii V7 I I"),
            "C": ("I V7 I V7 I V7 I V7", "I IV V7 IV I IV V7 IV"),
        },
    },
    forms=("AABCX", "ABACB", "AABXC"),
    hall=(0.5, 0.12),
    fills=(
        (
            Drum("bongo_high", ("X.x.X.x.xxxx....",), 0.7),
            Drum("bongo_low", ("............X.x.",), 1.0),
            Drum("guira", ("X...X...X.......",), 0.7),
        ),
        (
            Drum("bongo_high", ("X...x.x.x.xxxxxx",), 0.7),
            Drum("bongo_low", ("........X...X...",), 0.85),
            Drum("guira", ("X...X...X...X...",), 0.7),
        ),
    ),
    parts=(
        Drum("guira", ("X.xxX.xxX.xxX.xx", "X.xoX.xoX.xoX.xx"), 0.85),
        Drum("guira_long", ("......x.",), 0.48, "C"),
        Drum("bongo_high", ("XoxoXo..", "XoxxXo.."), 0.65),
        Drum("bongo_low", ("......Xo", "......X."), 0.9),
        Drum("conga_open", ("...x..x.",), 0.42, "C"),
        Drum("kick", ("x...x...", "x...x.x."), 0.5, "BCE"),
        Line("electric_bass", ("1--.5-8-", "1--55-8-", "1--.5-n-", "1-.55-3-"), 0.32, low=33),
        Chords("guitar", ("x.xxx.xx", "xoxxxoxx"), 0.32, low=52, ring=0.6),
        Line("steel_guitar", ("15358.53", "1.538358", "185385.3", "13583853"), 0.34, "IAE", low=57, ring=1.3),
        Line("steel_guitar", ("8.585.35|8.5853.5", "1.8.5.85|3.8.5.35"), 0.34, "C", low=60, ring=0.8),
        Lead(
            "steel_guitar|saxophone|accordion|violin",
            ("x.xxx---", "..xxx-x-", "xxx-..xx", "x-xx.x--", ".xx.xxx-", "x---xxxx"),
            0.38,
            "BX",
            low=66,
            high=84,
            ornament=0.15,
            cadence="x-x-x---",
        ),
        Lead(
            "violin|saxophone|flute",
            ("x---x-x-", "..xxx---", "x-------", ".xx-x---"),
            0.2,
            "A",
            low=62,
            high=79,
            cadence="x---x---",
        ),
    ),
)
