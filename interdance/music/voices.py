"""The instruments of our music: pitched voices and percussion, computed and never recorded.

A pitched voice is one period of its waveform, bright and dull, read at the speed of the pitch; the ear hears the change
from one to the other as a string that dies away or a horn that opens. A stroke of percussion is a sum of falling tones
and bands of noise. Both are kept after the first use, for a song says the same thing many times.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

SAMPLE_RATE = 22050
LONGEST_S = 8.0  # a note held longer than this ends here
_PERIOD = 4096  # samples of one period in a table
_POWER = 0.45  # root mean square of a note at its start, beside strokes that peak at about 1
_VARIANTS = 3  # of a stroke: a drummer never hits the same spot twice


@dataclass(frozen=True)
class Voice:
    """How an instrument sounds.

    Attributes
    ----------
    slope : float
        Partial ``k`` has level ``k ** -slope``.
    cutoff : float
        Hz; higher partials fall by a further 12 dB an octave.
    decay : float
        1/s, of a note at middle C, faster above; 0 for a voice that is blown or bowed.
    dulling : float
        1/s, how fast the upper partials die before the rest.
    attack, release : float
        Seconds.
    even : float
        Level of the even partials; small in a clarinet.
    formants : tuple of (Hz, gain)
        Where the body resounds, whatever the pitch.
    opening : float
        1/s, how fast the upper partials come in; 0 where they are there from the start.
    vibrato : float
        Cents.
    tremor : float
        Share by which the loudness trembles.
    players : tuple of float
        Cents off pitch, one for each player or reed.
    knock : float
        Level of the noise of hammer, pick or bow at the start.
    breath : float
        Level of the noise that goes on.
    """

    slope: float
    cutoff: float
    decay: float = 0.0
    dulling: float = 0.0
    attack: float = 0.003
    release: float = 0.06
    even: float = 1.0
    formants: tuple[tuple[float, float], ...] = ()
    opening: float = 0.0
    vibrato: float = 0.0
    tremor: float = 0.0
    players: tuple[float, ...] = (0.0,)
    knock: float = 0.0
    breath: float = 0.0


_SECTION = (-7.0, 0.0, 6.0)
VOICES: dict[str, Voice] = {
    # struck and plucked
    "piano": Voice(1.3, 2600, 1.9, 3.0, players=(-0.8, 0.9), knock=0.25),
    "epiano": Voice(2.3, 1800, 1.3, 4.0, even=0.5, tremor=0.18, formants=((1900, 1.6),), knock=0.12),
    "clavinet": Voice(0.8, 3600, 4.0, 6.0, release=0.02, even=0.6, formants=((1500, 2.0),), knock=0.3),
    "harpsichord": Voice(0.55, 5200, 2.6, 3.0, release=0.04, players=(-1.0, 1.5), knock=0.55),
    "harp": Voice(1.7, 2400, 2.2, 4.0, release=0.25, knock=0.15),
    "guitar": Voice(1.4, 2000, 3.2, 5.0, even=0.8, formants=((220, 1.5),), knock=0.3),
    "steel_guitar": Voice(0.9, 3600, 3.0, 4.0, formants=((900, 1.4),), knock=0.4, players=(-2.0, 2.0)),
    "scratch_guitar": Voice(0.9, 2600, 14.0, 8.0, release=0.02, formants=((1100, 2.5),), knock=0.6),
    "zither": Voice(0.8, 4200, 2.4, 2.5, players=(-4.0, 3.0), release=0.3, knock=0.45),
    "cimbalom": Voice(0.9, 3800, 2.6, 3.5, players=(-5.0, 0.0, 4.0), release=0.3, knock=0.5),
    "vibraphone": Voice(3.0, 3000, 1.3, 2.0, even=0.15, tremor=0.25, release=0.2, knock=0.2),
    "pizzicato": Voice(1.5, 1700, 7.5, 9.0, players=_SECTION, knock=0.35),
    # basses
    "bass": Voice(1.5, 700, 2.0, 3.0, attack=0.004, knock=0.3),
    "electric_bass": Voice(1.3, 900, 1.1, 2.0, knock=0.25, release=0.04),
    "slap_bass": Voice(0.8, 2400, 2.4, 5.0, release=0.03, knock=0.8, formants=((1600, 1.8),)),
    "deep_bass": Voice(2.4, 400, 1.0, 6.0, attack=0.004, knock=0.2),
    "tuba": Voice(1.5, 520, 0.6, 0.0, attack=0.014, opening=30.0, knock=0.2),
    # bowed
    "violin": Voice(1.05, 3400, attack=0.035, release=0.09, vibrato=14, formants=((480, 1.6), (2600, 1.6)), knock=0.12),
    "strings": Voice(1.2, 2400, attack=0.06, release=0.16, vibrato=8, players=_SECTION, formants=((500, 1.5),)),
    "cello": Voice(1.1, 2000, attack=0.05, release=0.12, vibrato=13, formants=((260, 1.7), (1300, 1.5)), knock=0.1),
    "kontra": Voice(1.0, 2600, 4.0, 0.0, attack=0.012, release=0.04, players=(-5.0, 6.0), knock=0.3),
    # blown
    "flute": Voice(2.5, 3600, attack=0.03, release=0.07, vibrato=10, tremor=0.1, breath=0.06),
    "clarinet": Voice(1.1, 2300, attack=0.02, release=0.05, even=0.12, vibrato=3, breath=0.015),
    "oboe": Voice(0.9, 3000, attack=0.02, release=0.05, vibrato=9, formants=((1100, 2.6), (2700, 1.5))),
    "saxophone": Voice(0.95, 2400, attack=0.022, release=0.06, vibrato=12, opening=25.0, formants=((700, 1.8),), breath=0.03),
    "trumpet": Voice(0.75, 3000, attack=0.015, release=0.05, vibrato=5, opening=22.0, formants=((1300, 1.7),)),
    "muted_trumpet": Voice(0.6, 3400, attack=0.015, release=0.05, vibrato=7, formants=((1700, 3.0),), opening=30.0),
    "horns": Voice(0.9, 2800, attack=0.014, release=0.05, opening=28.0, players=_SECTION, formants=((1000, 1.5),)),
    # reeds and organ
    "bandoneon": Voice(0.75, 2600, attack=0.014, release=0.05, players=(0.0, 1.5), formants=((750, 1.8),), tremor=0.04),
    "accordion": Voice(0.7, 2800, attack=0.016, release=0.05, players=(-11.0, 0.0, 12.0), formants=((900, 1.5),)),
    "organ": Voice(1.6, 3200, attack=0.008, release=0.04, tremor=0.12, players=(-3.0, 3.0), knock=0.1),
}


@lru_cache(maxsize=512)
def tone(name: str, pitch: int, seconds: float) -> np.ndarray:
    """A note of the voice ``name``, held for ``seconds``: float32 (samples,), of the same power for all voices at its start.

    The release is left to the player, who cuts the note where the score ends it.

    Parameters
    ----------
    name : str
        Of :data:`VOICES`.
    pitch : int
        MIDI number; 69 is 440 Hz.
    seconds : float
        Length.
    """
    voice = VOICES[name]
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    bright, dull = (_period(voice, frequency, extra) for extra in (0.0, 1.0))
    cycles = frequency * t
    if voice.vibrato:
        depth = frequency * (2.0 ** (voice.vibrato / 1200.0) - 1.0) / (2.0 * np.pi * 5.4)
        cycles = cycles + depth * np.sin(2.0 * np.pi * 5.4 * t) * np.clip((t - 0.12) / 0.3, 0.0, 1.0)
    upper = 1.0 - np.exp(-voice.opening * t) if voice.opening else np.exp(-voice.dulling * t)
    mix = upper.astype(np.float32)
    wave = np.zeros(len(t), np.float32)
    for number, cents in enumerate(voice.players):
        place = (cycles * 2.0 ** (cents / 1200.0) + 0.37 * number) * _PERIOD
        place = place.astype(np.int64) & (_PERIOD - 1)
        low = dull[place]
        wave += low + mix * (bright[place] - low)
    loud = np.exp(-voice.decay * 2.0 ** ((pitch - 60) / 30.0) * t) * np.clip(t / voice.attack, 0.0, 1.0)
    if voice.tremor:
        loud *= 1.0 - voice.tremor * (0.5 - 0.5 * np.cos(2.0 * np.pi * 5.6 * t))
    loud *= _POWER
    wave *= loud / np.sqrt(len(voice.players))
    if voice.breath:
        wave += voice.breath * _hiss(len(t), 900.0, 5000.0, pitch) * loud
    if voice.knock:
        click = _hiss(min(len(t), SAMPLE_RATE // 12), 0.5 * frequency + 150.0, 2.0 * voice.cutoff, pitch)
        wave[: len(click)] += _POWER * voice.knock * click * np.exp(-90.0 * t[: len(click)])
    return wave


def _period(voice: Voice, frequency: float, extra_slope: float) -> np.ndarray:
    """One period of a voice at a pitch, of unit power, without partials that the sample rate cannot hold."""
    k = np.arange(1, max(2, min(40, int(0.45 * SAMPLE_RATE / frequency) + 1)))
    hertz = k * frequency
    levels = k ** -(voice.slope + extra_slope) / (1.0 + (hertz / voice.cutoff) ** 2)
    levels = np.where(k % 2 == 0, voice.even, 1.0) * levels
    for centre, gain in voice.formants:
        levels *= 1.0 + (gain - 1.0) * np.exp(-((np.log2(hertz / centre) / 0.4) ** 2))
    spectrum = np.zeros(_PERIOD // 2 + 1, np.complex128)
    spectrum[k] = levels * np.exp(1j * (0.5 * k * k - np.pi / 2))  # scattered phases keep the peaks low
    wave = np.fft.irfft(spectrum)
    return (wave / np.sqrt(np.mean(wave**2))).astype(np.float32)


def _hiss(num: int, low: float, high: float, seed: int) -> np.ndarray:
    """Noise between two frequencies, of unit power: (num,)."""
    width = 1 << max(6, (num - 1).bit_length())
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(width))
    hertz = np.fft.rfftfreq(width, 1.0 / SAMPLE_RATE)
    spectrum *= (hertz / low) ** 2 / (1.0 + (hertz / low) ** 2) / (1.0 + (hertz / high) ** 4)
    noise = np.fft.irfft(spectrum)
    return noise[:num] / np.sqrt(np.mean(noise**2))


# ----------------------------------------------------------------------------------------------------------- percussion


@dataclass(frozen=True)
class Skin:
    """A tone of ``hertz`` that starts ``drop`` higher, falls to it at once and dies at ``decay`` 1/s."""

    hertz: float
    decay: float
    level: float
    drop: float = 0.0


@dataclass(frozen=True)
class Rattle:
    """Noise from ``low`` to ``high`` Hz that dies at ``decay`` 1/s; ``teeth`` per second make it a scrape."""

    low: float
    high: float
    decay: float
    level: float
    attack: float = 0.001
    teeth: float = 0.0


STROKES: dict[str, tuple[Skin | Rattle, ...]] = {
    "kick": (Skin(52, 11, 1.0, 110), Rattle(800, 4000, 160, 0.12)),
    "deep_kick": (Skin(46, 7, 1.0, 130), Rattle(900, 3500, 150, 0.15)),
    "bass_drum": (Skin(62, 8, 0.9, 40), Rattle(150, 900, 60, 0.2)),
    "stamp": (Skin(85, 18, 0.8, 60), Rattle(200, 1600, 70, 0.25)),
    "snare": (Skin(185, 22, 0.5, 70), Rattle(900, 6500, 20, 0.3)),
    "fat_snare": (Skin(165, 17, 0.6, 60), Rattle(700, 5000, 15, 0.3), Rattle(900, 3000, 90, 0.25)),
    "rim": (Skin(1650, 55, 0.3), Skin(480, 60, 0.35), Rattle(1000, 5000, 140, 0.15)),
    "clap": (Rattle(800, 3500, 26, 0.4, 0.004, 95),),
    "brush": (Rattle(1200, 6000, 18, 0.22, 0.012),),
    "hat": (Rattle(5500, 9500, 60, 0.22),),
    "open_hat": (Rattle(5000, 9500, 11, 0.2),),
    "ride": (Rattle(4200, 9000, 8, 0.13), Skin(3150, 9, 0.05), Skin(4480, 12, 0.04), Rattle(3500, 8000, 90, 0.2)),
    "crash": (Rattle(2500, 9500, 3.2, 0.26), Skin(2390, 4, 0.02)),
    "cymbals": (Rattle(2200, 8500, 9, 0.25), Rattle(3000, 9000, 60, 0.2)),
    "tambourine": (Rattle(5000, 9800, 24, 0.2), Skin(4870, 20, 0.03)),
    "triangle": (Skin(3120, 5, 0.12), Skin(5190, 6, 0.09), Skin(7420, 8, 0.05)),
    "tom": (Skin(115, 9, 0.9, 60), Rattle(300, 2500, 70, 0.12)),
    "timbale": (Skin(330, 14, 0.6, 40), Skin(540, 18, 0.25), Rattle(1000, 6000, 90, 0.2)),
    "shell": (Skin(2050, 60, 0.18), Skin(3300, 70, 0.12), Rattle(2500, 8000, 120, 0.22)),
    "conga_tap": (Skin(235, 60, 0.35, 30), Rattle(300, 2500, 110, 0.12)),
    "conga_slap": (Skin(420, 42, 0.35, 90), Rattle(1200, 6000, 60, 0.32)),
    "conga_open": (Skin(205, 12, 0.8, 25), Skin(330, 22, 0.2), Rattle(300, 2500, 90, 0.12)),
    "conga_low": (Skin(140, 10, 0.9, 25), Skin(226, 20, 0.2), Rattle(250, 2000, 90, 0.12)),
    "bongo_high": (Skin(480, 28, 0.6, 50), Rattle(900, 5000, 110, 0.2)),
    "bongo_low": (Skin(325, 20, 0.8, 40), Rattle(600, 4000, 100, 0.15)),
    "clave": (Skin(2350, 42, 0.6), Skin(2410, 50, 0.2), Rattle(1500, 6000, 300, 0.15)),
    "cowbell": (Skin(555, 16, 0.4), Skin(830, 18, 0.35), Skin(1960, 26, 0.1), Rattle(1500, 6000, 120, 0.12)),
    "maracas": (Rattle(4500, 9500, 65, 0.25, 0.006),),
    "shaker": (Rattle(4800, 9500, 45, 0.2, 0.014),),
    "guira": (Rattle(3800, 9000, 38, 0.26, 0.006, 170),),
    "guira_long": (Rattle(3800, 9000, 13, 0.24, 0.01, 150),),
    "guiro": (Rattle(1900, 6500, 30, 0.3, 0.004, 120),),
    "guiro_long": (Rattle(1900, 6500, 9, 0.26, 0.008, 85),),
    "castanet": (Skin(1450, 70, 0.3), Rattle(1200, 5000, 110, 0.25)),
}


@lru_cache(maxsize=_VARIANTS * len(STROKES))
def stroke(name: str, variant: int) -> np.ndarray:
    """One stroke of :data:`STROKES`: float32 (samples,); variants (any int) differ as strokes of one drummer do."""
    variant %= _VARIANTS
    layers = STROKES[name]
    t = np.arange(round(min(1.6, 6.0 / min(layer.decay for layer in layers)) * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros(len(t))
    for number, layer in enumerate(layers):
        loud = layer.level * np.exp(-layer.decay * t)
        if isinstance(layer, Skin):
            hertz = layer.hertz * (1.0 + 0.004 * (variant - 1))
            phase = 2.0 * np.pi * (hertz * t + layer.drop / 28.0 * (1.0 - np.exp(-28.0 * t)))
            sound += loud * np.sin(phase) * np.clip(t / 0.0008, 0.0, 1.0)
            continue
        if layer.teeth:
            loud *= (0.5 + 0.5 * np.cos(2.0 * np.pi * layer.teeth * t * (1.0 + 0.6 * t))) ** 2 * 1.6
        seed = [variant, number, *name.encode()]
        noise = _hiss(len(t), layer.low, layer.high, int(np.random.SeedSequence(seed).generate_state(1)[0]))
        sound += loud * noise * np.clip(t / layer.attack, 0.0, 1.0)
    tail = np.clip((len(t) - np.arange(len(t))) / (0.01 * SAMPLE_RATE), 0.0, 1.0)
    return (sound * tail).astype(np.float32)
