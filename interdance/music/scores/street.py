"""Music of the street: hip-hop, locking."""

from __future__ import annotations

from interdance.music.scores.notation import OPENING_4, Chords, Drum, Lead, Line, Metre, Score

HIPHOP = Score(
    metre=Metre(4, 88, 104, sixteenth=0.29, drift=0.0),
    harmony={
        "dorian": {
            "A": ("i7 i7 IV9 IV9 i7 i7 IV9 IV9", "i9 bVIImaj7 i9 bVIImaj7 i9 bVIImaj7 iv7 v7"),
            "B": ("bVImaj7 v7 i7 i7 bVImaj7 v7 i7 i7", "iv9 iv9 i9 i9 iv9 v7 i9 i9"),
        },
        "minor": {
            "A": ("i7 i7 bVImaj7 bVImaj7 i7 i7 bVImaj7 v7", "i bVI iv v7 i bVI iv v7", "i7 iv7 i7 iv7 i7 iv7 bVImaj7 v7"),
            "B": ("bVImaj7 bVII i7 i7 bVImaj7 bVII v7 v7", "iv7 bVII7 bIIImaj7 bVImaj7 iih V7 i7 i7"),
        },
        "major": {
            "A": ("Imaj7 iii7 vi7 ii7 Imaj7 iii7 vi7 ii7", "ii9 V9 Imaj7 vi7 ii9 V9 Imaj7 vi7"),
            "B": ("IVmaj7 iii7 ii7 Imaj7 IVmaj7 iii7 ii7 V9", "vi7 IVmaj7 vi7 IVmaj7 ii7 V9 Imaj7 Imaj7"),
        },
    },
    forms=("AABAX", "AABX", "ABAXB"),
    hall=(0.35, 0.06),
    fills=(
        (
            Drum("deep_kick", ("X.....x.X..x....",), 0.6),
            Drum("fat_snare", ("....X.......X.xx",), 0.95),
            Drum("hat", ("X.x.X.x.X.x.....",), 1.05),
        ),
        (
            Drum("deep_kick", ("X..x....X.......",), 0.6),
            Drum("fat_snare", ("....X..x..x.X.X.",), 0.95),
            Drum("hat", ("X.x.X.x.X.x.X.xx",), 1.05),
        ),
        (
            Drum("deep_kick", ("X...............",), 0.6),
            Drum("fat_snare", ("....X.......X...",), 0.95),
            Drum("hat", ("X...X...X...X...",), 1.05),
        ),
    ),
    parts=(
        Drum(
            "deep_kick",
            ("X.....x.X.......|X..x..x.X.....x.", "X..x....x.x.....|X......xx.x.....", "X.......x.x....o|X.x.....x.x....."),
            0.65,
            "IABXE",
        ),
        Drum("fat_snare", ("....X.......X...", "....X.......X..o", "....X..o.o..X..."), 0.95, "ABE"),
        Drum("rim", ("....X.......X...",), 0.8, "IX"),
        Drum("clap", ("....X.......X...",), 0.55, "B"),
        Drum("crash", (OPENING_4,), 0.24, "B"),
        Drum("hat", ("X.x.X.x.X.x.X.x.", "X.xxX.x.X.xoX.x.", "X.x.X.xxX.x.X.ox"), 1.1),
        Drum("open_hat", ("......x.........|..............x.", "..........x....."), 0.44, "B"),
        Line(
            "deep_bass|bass|electric_bass",
            ("1--..-1-5--.....|1--1..8-..5-n-..", "1-----..1-1-....|1--...5-8---..a-", "1..1--..8.5-....|1..1--..5.n-...."),
            0.38,
            "ABE",
            low=31,
        ),
        Line("deep_bass|electric_bass", ("1---------------", "1-------5-------"), 0.32, "X", low=31),
        Chords(
            "epiano|organ|piano",
            ("x---------......", "x-----..x---....", "x..x--......x-..", "....x---....x---"),
            0.6,
            "IABXE",
            low=57,
            size=4,
        ),
        Chords("strings", ("x-------",), 0.16, "B", low=64),
        Line(
            "vibraphone|guitar|harp",
            ("8...5.8.....0...|..8...5.....3...", "..5.8...0.....8.|................", "0..8..5.........|8..5..3......5.."),
            0.34,
            "A",
            low=62,
            ring=1.6,
        ),
        Lead(
            "flute|vibraphone|muted_trumpet|saxophone",
            ("x..x..x-........", "..x-x.x---......", "x---..xxx---....", "................", "....x-x-x--x----"),
            0.4,
            "BX",
            low=64,
            high=81,
            leap=0.4,
        ),
        Chords("horns", ("x...............|................", "..........x.x...|................"), 0.5, "B", low=60, ring=0.8),
    ),
)

LOCKING = Score(
    metre=Metre(4, 104, 116, sixteenth=0.26, drift=0.003),
    harmony={
        "dorian": {
            "A": ("i7 i7 i7 i7 IV9 IV9 i7 i7", "i9 i9 IV9 IV9 i9 i9 IV9 IV9", "i7 i7 i7 bVII i7 i7 bIII IV7"),
            "B": ("IV9 IV9 i7 i7 bVII bVII V7 V7", "bIII bIII IV7 IV7 bIII bVII i7 V7"),
        },
        "blues": {
            "A": ("I9 I9 I9 I9 IV9 IV9 I9 I9", "I7 I7 bVII IV7 I7 I7 bVII IV7"),
            "B": ("IV9 IV9 IV9 IV9 I9 I9 V9 V9", "bVII IV7 I7 I7 bVII IV7 V9 V9"),
        },
    },
    forms=("AABAXB", "ABAXBB", "AABX"),
    hall=(0.4, 0.07),
    fills=(
        (Drum("snare", ("x.xxx.xxX.x.X.xx",), 0.7), Drum("kick", ("X...X...X...X...",), 0.5)),
        (
            Drum("tom", ("....x.xx....X.XX",), 0.6),
            Drum("snare", ("x.xx....x.xx....",), 0.7),
            Drum("kick", ("X...X...X...X...",), 0.5),
        ),
        (
            Drum("snare", ("....X.......XXXX",), 0.7),
            Drum("kick", ("X..x....X.......",), 0.6),
            Drum("hat", ("X.x.X.x.X.......",), 1.05),
        ),
    ),
    parts=(
        Drum("kick", ("X.x....x..x..x..", "X..x....x.X.....", "X.x.....X..x..x.", "X...x...X...x..x"), 0.7),
        Drum("snare", ("....X..o.o..X..o", "....X..o.o.oX...", "....X.......X..x"), 0.85, "ABE"),
        Drum("clap", ("....X.......X...",), 0.55, "XIB"),
        Drum("crash", (OPENING_4,), 0.3, "AB"),
        Drum("hat", ("X.xoX.xoX.xoX.xo", "XoxoXoxoXoxoXoxo", "X.xxX.x.X.xxX.x."), 1.1),
        Drum("open_hat", ("..............x.", "......x.......x."), 0.5, "B"),
        Drum("tambourine", ("x.x.X.x.x.x.X.x.",), 0.65, "BX"),
        Drum("conga_open", ("......x...x.....|..........x..xx.",), 0.36, "AX"),
        Line(
            "slap_bass",
            ("1..1..8.1..5.78.|1..1..8...5.a.a.", "1.8...1..81.5.7.|1.8...1..8..7.5.", "1-..8.1...8.57..|1-..8.1.8..8.5.a"),
            0.36,
            "IABXE",
            low=31,
            ring=0.7,
        ),
        Chords("scratch_guitar", ("..o.X.o...oxX.o.", "o.ooX.oo..ooX.oo", "....X.......X.x."), 0.48, "ABE", low=62),
        Line(
            "clavinet", ("1.5.8.5..8.5.35.|1.58..5..8..5.3.", "1..85..8..5.8...|1..85..85.3.5..."), 0.3, "AX", low=52, ring=0.6
        ),
        Chords("epiano|organ", ("x---..x---......", "x-------....x---"), 0.36, "B", low=57, size=4),
        Chords(
            "horns",
            ("X.....x...x.....|............x.X.", "..x.x.....x.....|................", "x...............|......x.x.x.X..."),
            0.7,
            "ABE",
            low=62,
            size=4,
            ring=0.7,
        ),
        Lead(
            "saxophone|trumpet|horns|organ",
            ("x.xx..x-..x-....", "..x-x.xxx-......", "xx.x.x--....xxx-", "x---......x.x.x-", "................"),
            0.4,
            "B",
            low=62,
            high=80,
            leap=0.35,
        ),
    ),
)
