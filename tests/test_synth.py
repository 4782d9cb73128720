"""Our own music: known beats that are heard, music of its genre, and the same bytes from the same seed."""

from __future__ import annotations

import tracemalloc
from functools import cache
from itertools import pairwise

import librosa
import numpy as np
import pytest
import soundfile

from interdance.errors import InputError
from interdance.music.features import BEATS, CHROMA, NUM_FEATURES, PEAKS, analyse
from interdance.music.scores import SCORES
from interdance.music.scores.notation import ALL, THEME_BARS, Chord, Chords, Drum, Lead, Line, Metre, read_harmony, read_tab
from interdance.music.scores.player import Song, plan_form
from interdance.music.scores.tune import SCALES, compose, ladder
from interdance.music.synth import METRES, SAMPLE_RATE, Track, beat_times, render, write_track
from interdance.music.voices import STROKES, VOICES, stroke, tone

GENRES = list(METRES)
HOP = 128
#: beats per bar and tempo range that the dances are made for
TEMPI = {
    **{"waltz": (3, 84, 96), "tango": (4, 116, 130), "foxtrot": (4, 112, 124), "rumba": (4, 96, 108)},
    **{"cha_cha": (4, 112, 128), "salsa": (4, 170, 210), "bachata": (4, 118, 136), "swing": (4, 130, 180)},
    **{"polka": (2, 104, 120), "csardas": (4, 130, 170), "landler": (3, 96, 120), "minuet": (3, 100, 116)},
    **{"pas_de_deux": (4, 66, 80), "hiphop": (4, 88, 104), "locking": (4, 104, 116)},
}


@cache
def song(genre: str, seed: int = 5, seconds: float = 20.0) -> Track:
    return render(genre, seconds, np.random.default_rng(seed))


@cache
def attacks(genre: str) -> np.ndarray:
    """Onset strength of the song, every 6 ms, smeared over the 30 ms in which an attack is felt."""
    envelope = librosa.onset.onset_strength(y=song(genre).samples_N, sr=SAMPLE_RATE, hop_length=HOP)
    return np.max([np.roll(envelope, shift) for shift in range(-2, 3)], axis=0)


def beats_inside(track: Track) -> np.ndarray:
    seconds = len(track.samples_N) / track.sample_rate
    return np.flatnonzero((track.beats_s > 0.5) & (track.beats_s < seconds - 0.5))


def heard(genre: str, times: np.ndarray) -> np.ndarray:
    return attacks(genre)[np.round(times * SAMPLE_RATE / HOP).astype(int)]


# ---------------------------------------------------------------------------------------------------------------- tracks


@pytest.mark.parametrize("genre", GENRES)
def test_track_keeps_its_metre(genre: str) -> None:
    track, metre = song(genre), METRES[genre]
    assert track.samples_N.dtype == np.float32 and len(track.samples_N) == 20 * track.sample_rate
    assert np.isfinite(track.samples_N).all() and 0.3 < np.abs(track.samples_N).max() < 1.0
    assert (metre.beats_per_bar, metre.tempo_low, metre.tempo_high) == TEMPI[genre]
    assert metre.tempo_low <= track.tempo_bpm <= metre.tempo_high and track.beats_per_bar == metre.beats_per_bar
    periods = np.diff(track.beats_s)
    assert track.beats_s[0] < 0.5 and track.beats_s[-1] > 20.0
    assert np.abs(periods * track.tempo_bpm / 60.0 - 1.0).max() < 0.02


def test_all_genres_have_music() -> None:
    assert set(GENRES) == set(TEMPI)


@pytest.mark.parametrize("genre", GENRES)
def test_beats_are_heard(genre: str) -> None:
    """At the beats the song sets in, and more than three tenths of a beat later or at any place."""
    track = song(genre)
    times = track.beats_s[beats_inside(track)]
    at_beats = heard(genre, times)
    period = 60.0 / track.tempo_bpm
    everywhere = heard(genre, np.arange(0.5, 19.5, 0.01))
    assert at_beats.mean() > 2.5 * heard(genre, times + 0.3 * period).mean()
    assert at_beats.mean() > 1.8 * everywhere.mean()
    assert np.mean(at_beats > np.median(everywhere)) > 0.95


@pytest.mark.parametrize("genre", GENRES)
def test_beats_are_exact(genre: str) -> None:
    """Moving all beats to and fro, the attacks fit best where they are said to be."""
    track = song(genre)
    times = track.beats_s[beats_inside(track)]
    envelope = librosa.onset.onset_strength(y=track.samples_N, sr=SAMPLE_RATE, hop_length=HOP)
    lags = np.arange(-0.2, 0.2, 0.002)
    fits = [np.interp(times + lag, np.arange(len(envelope)) * HOP / SAMPLE_RATE, envelope).mean() for lag in lags]
    assert abs(lags[int(np.argmax(fits))] - 0.012) <= 0.014  # the envelope peaks while an attack still rises


@pytest.mark.parametrize("genre", GENRES)
def test_downbeats_are_marked(genre: str) -> None:
    """By a stronger attack, a deeper one or a change of harmony, whichever the genre uses."""
    track = song(genre)
    inside = beats_inside(track)
    down = inside % track.beats_per_bar == 0
    power = np.abs(librosa.stft(track.samples_N, hop_length=HOP)) ** 2
    low = np.maximum(np.diff(np.log1p(np.sqrt(power[2:20]).sum(axis=0)), prepend=0.0), 0.0)
    chroma = librosa.feature.chroma_stft(S=power, sr=SAMPLE_RATE) + 1e-9
    width = int(0.9 * 60.0 / track.tempo_bpm * SAMPLE_RATE / HOP)
    low_rise, change = [], []
    for frame in np.round(track.beats_s[inside] * SAMPLE_RATE / HOP).astype(int):
        low_rise.append(low[frame - 3 : frame + 4].max())
        before, after = chroma[:, max(0, frame - width) : frame].mean(axis=1), chroma[:, frame : frame + width].mean(axis=1)
        change.append(1.0 - before @ after / np.linalg.norm(before) / np.linalg.norm(after))
    marks = (heard(genre, track.beats_s[inside]), np.array(low_rise), np.array(change))
    assert max(mark[down].mean() / mark[~down].mean() for mark in marks) > 1.12


def test_genres_are_equally_loud() -> None:
    loud = [20.0 * np.log10(np.sqrt(np.mean(song(genre, seed).samples_N ** 2))) for genre in GENRES for seed in (1, 5)]
    assert max(loud) - min(loud) < 0.5


def test_no_genre_is_muffled_or_harsh() -> None:
    for genre in GENRES:
        centroid = librosa.feature.spectral_centroid(y=song(genre).samples_N, sr=SAMPLE_RATE).mean()
        assert 600.0 < centroid < 3000.0, genre


def features(track: Track) -> np.ndarray:
    samples = librosa.resample(track.samples_N, orig_sr=SAMPLE_RATE, target_sr=15360, res_type="soxr_hq")
    return analyse(samples, track.samples_N, 30, 512)


def test_genres_are_told_apart_by_the_features() -> None:
    """Songs of one seed are given the genre of the nearest mean of the other seeds; chance is one in fifteen."""
    seeds = (1, 5, 6)
    table = np.zeros((len(GENRES), len(seeds), 2 * 21 + 12 + 2))
    for row, genre in enumerate(GENRES):
        for column, seed in enumerate(seeds):
            rows = features(song(genre, seed))
            assert rows.shape[1] == NUM_FEATURES
            tones = np.sort(rows[:, CHROMA].mean(axis=0))  # the key is left out
            table[row, column] = np.concatenate(
                [rows[:, :21].mean(axis=0), rows[:, :21].std(axis=0), tones, rows[:, [PEAKS, BEATS]].mean(axis=0)]
            )
    table = (table - table.mean(axis=(0, 1))) / table.std(axis=(0, 1))
    right = 0
    for column in range(len(seeds)):
        means = np.delete(table, column, axis=1).mean(axis=1)
        distances = np.linalg.norm(table[:, None, column] - means[None], axis=-1)
        right += int((distances.argmin(axis=1) == np.arange(len(GENRES))).sum())
    assert right / table.shape[0] / table.shape[1] > 0.75


def test_a_beat_tracker_finds_the_tempo_or_a_multiple() -> None:
    found = 0
    for genre in GENRES:
        track = song(genre)
        tempo = float(np.atleast_1d(librosa.beat.beat_track(y=track.samples_N, sr=SAMPLE_RATE)[0])[0])
        found += any(abs(tempo / track.tempo_bpm / ratio - 1.0) < 0.05 for ratio in (0.5, 2 / 3, 1.0, 1.5, 2.0, 3.0))
    assert found >= 13


@pytest.mark.parametrize("genre", GENRES)
def test_same_seed_same_song_other_seed_other_song(genre: str) -> None:
    """Whatever was rendered before: notes that are kept are the notes that would be made."""
    first = render(genre, 6.0, np.random.default_rng(1))
    tone.cache_clear()
    stroke.cache_clear()
    again, other = (render(genre, 6.0, np.random.default_rng(seed)) for seed in (1, 2))
    assert np.array_equal(first.samples_N, again.samples_N) and np.array_equal(first.beats_s, again.beats_s)
    assert np.abs(first.samples_N - other.samples_N).max() > 0.05


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.5, 4.0, 7.3])
def test_short_songs_are_whole(seconds: float) -> None:
    for genre in GENRES:
        track = render(genre, seconds, np.random.default_rng(0))
        assert len(track.samples_N) == round(seconds * SAMPLE_RATE) and track.beats_s[-1] > seconds
        assert np.isfinite(track.samples_N).all() and np.abs(track.samples_N).max() <= 1.0


def test_a_long_song_needs_its_samples_and_little_more() -> None:
    render("bachata", 60.0, np.random.default_rng(4))  # the notes are kept from here on
    tracemalloc.start()
    try:
        track = render("bachata", 300.0, np.random.default_rng(4))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(track.samples_N) == 300 * SAMPLE_RATE and peak < track.samples_N.nbytes + 60e6
    minutes = [np.sqrt(np.mean(part**2)) for part in np.array_split(track.samples_N, 5)]
    assert min(minutes) > 0.6 * max(minutes)  # it plays to the end


def test_beats_without_drift_are_even() -> None:
    beats = beat_times(120.0, 10.0, 0.25, 0.0, 0.0)
    assert np.allclose(np.diff(beats), 0.5) and beats[0] == 0.25 and beats[-1] > 10.0


def test_flac_holds_the_song(tmp_path) -> None:
    track = render("swing", 3.0, np.random.default_rng(9))
    write_track(tmp_path / "song.flac", track)
    samples, rate = soundfile.read(tmp_path / "song.flac", dtype="float32")
    assert rate == track.sample_rate and np.abs(samples - track.samples_N).max() < 1e-4


def test_unknown_genre_is_named() -> None:
    with pytest.raises(InputError, match="'disco' has no music; known: .*waltz.*locking"):
        render("disco", 5.0, np.random.default_rng(0))


# ---------------------------------------------------------------------------------------------------------------- scores


@pytest.mark.parametrize("genre", GENRES)
def test_scores_are_written_without_slips(genre: str) -> None:
    score = SCORES[genre]
    signs = {Drum: "Xxo", Chords: "Xxo", Line: "0123456789vna", Lead: "x"}
    fills = [drum for fill in score.fills for drum in fill]
    for part in (*score.parts, *fills):
        known = STROKES if isinstance(part, Drum) else VOICES
        assert set(part.voice.split("|")) <= set(known) and set(part.plays) <= set(ALL) and part.level > 0
        for tab in part.tabs:
            bars = read_tab(tab, score.metre)
            assert len(bars) in (1, 2, THEME_BARS) and {sign.text for bar in bars for sign in bar} <= set(signs[type(part)])
            for bar in tab.replace(" ", "").split("|"):
                assert len(bar) % score.metre.beats_per_bar == 0 or score.metre.beats_per_bar % len(bar) == 0, tab
    played = set("".join(score.forms)) | {"I", "E"}
    letters = played - set("IXE")
    for scale, themes in score.harmony.items():
        assert scale in SCALES and letters <= set(themes)
        assert {len(read_harmony(text)) for choices in themes.values() for text in choices} == {THEME_BARS}
    carriers = [part for part in score.parts if not isinstance(part, Lead)]
    for letter in played:
        playing = [part for part in carriers if letter in part.plays]
        assert any(isinstance(part, Line | Chords) for part in playing), f"no harmony in {letter}"
        assert len(playing) >= 3, f"{letter} is bare"
    assert len({(part.voice, part.tabs) for part in score.parts}) == len(score.parts)


def test_no_two_genres_share_a_groove() -> None:
    grooves = [
        frozenset((part.voice, part.tabs) for part in score.parts if isinstance(part, Drum | Line)) for score in SCORES.values()
    ]
    assert max(len(one & other) / len(one) for i, one in enumerate(grooves) for other in grooves[:i]) < 0.3


def test_tabs_are_read_as_written() -> None:
    (first, second) = read_tab("1--.5-.. | ..x.", Metre(4, 100, 100))
    assert [(sign.place, sign.beats, sign.text) for sign in first] == [(0.0, 1.5, "1"), (2.0, 1.0, "5")]
    assert [(sign.place, sign.beats, sign.text) for sign in second] == [(2.0, 1.0, "x")]
    swing = Metre(4, 100, 100, eighth=0.66)
    assert [sign.place for sign in read_tab("xxxxxxxx", swing)[0]][:4] == pytest.approx([0.0, 0.66, 1.0, 1.66])
    assert [sign.place for sign in read_tab("xxxxxxxxxxxx", swing)[0]][:3] == pytest.approx([0.0, 1 / 3, 2 / 3])
    assert [sign.place for sign in read_tab("x" * 16, Metre(4, 90, 90, sixteenth=0.3))[0]][:4] == pytest.approx(
        [0, 0.3, 0.5, 0.8]
    )


def test_chords_are_read_as_written() -> None:
    (one,), (two, five), (flat,) = read_harmony("Imaj7 ii7/V7 bVII")
    assert one == Chord(0, (0, 4, 7, 11)) and two == Chord(2, (0, 3, 7, 10)) and five == Chord(7, (0, 4, 7, 10))
    assert flat == Chord(10, (0, 4, 7))
    with pytest.raises(ValueError, match="'Q7' is no chord"):
        read_harmony("I Q7")


@pytest.mark.parametrize("form", ["AABBX", "ABAC", "AABXCB"])
def test_form_fills_the_song(form: str) -> None:
    for num_bars in range(1, 150):
        sections = plan_form(form, num_bars)
        assert sections[0].first == 0 and sections[-1].first + sections[-1].bars == num_bars
        assert all(one.first + one.bars == other.first and other.bars > 0 for one, other in pairwise(sections))
        assert max(section.bars for section in sections) <= THEME_BARS
    letters = "".join(section.letter for section in plan_form(form, 60))
    assert letters[0] == "I" and letters[-1] == "E" and form in letters
    assert [section.turn for section in plan_form("AAX", 60) if section.letter == "A"] == list(range(6))


def test_a_ladder_bends_to_the_chord() -> None:
    dominant_of_the_relative = Chord(9, (0, 4, 7, 10))  # A7 in C major: C sharp for C
    assert [pitch % 12 for pitch in ladder("major", 0, dominant_of_the_relative, 60, 71)] == [1, 2, 4, 5, 7, 9, 11]


@pytest.mark.parametrize("genre", GENRES)
def test_tunes_fit_their_harmony(genre: str) -> None:
    score = SCORES[genre]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        band = Song(score, beat_times(score.metre.tempo_low, 60.0, 0.2, 0.0, 0.0), 60.0, rng)
        for lead in (part for part in score.parts if isinstance(part, Lead)):
            tune = compose(lead, band.themes["A"], band.scale, band.key, score.metre, rng)
            pitches = [note.pitch for note in tune]
            if not tune:  # a motif may be a rest
                continue
            of_scale = {(band.key + step) % 12 for step in SCALES[band.scale]}
            assert np.mean([pitch % 12 in of_scale for pitch in pitches]) > 0.62
            assert lead.low <= min(pitches) and max(pitches) <= lead.high
            for note in tune:
                if note.place == 0.0:
                    chord = band.themes["A"][note.bar][0]
                    assert (note.pitch - chord.root) % 12 in {step % 12 for step in chord.tones}
            if tune[-1].bar == THEME_BARS - 1:
                assert (tune[-1].pitch - band.themes["A"][-1][-1].root) % 12 == 0
            if len(pitches) > 12:
                assert np.median(np.abs(np.diff(pitches))) <= 4 and np.mean(np.diff(pitches) == 0) < 0.5


@pytest.mark.parametrize("genre", ["waltz", "tango", "landler", "minuet", "pas_de_deux", "csardas", "polka"])
def test_the_harmony_that_is_written_is_heard(genre: str) -> None:
    """In each bar the tones of its chord sound more than those of the chord of another bar."""
    score = SCORES[genre]
    beats_s = beat_times(score.metre.tempo_low, 40.0, 0.0, 0.0, 0.0)
    band = Song(score, beats_s, 40.0, np.random.default_rng(3))
    chroma = librosa.feature.chroma_stft(y=band.play(), sr=SAMPLE_RATE, hop_length=512, n_fft=8192, tuning=0.0)
    lines = np.round(beats_s[:: band.width] * SAMPLE_RATE / 512).astype(int)
    bars = [chroma[:, first:last].mean(axis=1) for first, last in pairwise(lines) if last < chroma.shape[1]]

    def share(bar: np.ndarray, chord: Chord) -> float:
        return float(bar[[(chord.root + step) % 12 for step in chord.tones]].mean() / bar.mean())

    right = [share(bar, band.chart[number][0]) for number, bar in enumerate(bars) if len(band.chart[number]) == 1]
    wrong = [share(bar, Chord((band.chart[number][0].root + 1) % 12, (0, 4, 7))) for number, bar in enumerate(bars)]
    assert np.mean(right) > 1.35 and np.mean(right) > 1.6 * np.mean(wrong)


# ---------------------------------------------------------------------------------------------------------------- voices


@pytest.mark.parametrize("name", list(VOICES))
def test_voices_are_in_tune(name: str) -> None:
    for pitch in (40, 57, 76):
        sound = tone(name, pitch, 1.0)
        assert sound.dtype == np.float32 and len(sound) == SAMPLE_RATE and np.isfinite(sound).all()
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * SAMPLE_RATE))
        hertz = np.arange(len(spectrum)) / 4.0
        fundamental = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
        near = np.abs(hertz / fundamental - np.maximum(1, np.round(hertz / fundamental))) < 0.03
        in_tune = spectrum[near & (hertz < 6.4 * fundamental)] ** 2
        assert in_tune.sum() > 0.8 * np.sum(spectrum[(hertz > 20) & (hertz < 6.4 * fundamental)] ** 2)
        first = (hertz > 0.9 * fundamental) & (hertz < 1.1 * fundamental)
        centre = np.sum(hertz[first] * spectrum[first] ** 2) / np.sum(spectrum[first] ** 2)
        assert abs(1200.0 * np.log2(centre / fundamental)) < 8.0


def test_plucked_voices_die_away_and_bowed_ones_stay() -> None:
    def kept(name: str) -> float:
        sound = tone(name, 60, 2.0)
        early, late = (np.sqrt(np.mean(sound[int(a * SAMPLE_RATE) : int((a + 0.2) * SAMPLE_RATE)] ** 2)) for a in (0.2, 1.6))
        return late / early

    assert all(kept(name) < 0.35 for name in ("piano", "guitar", "harpsichord", "pizzicato", "harp"))
    assert all(kept(name) > 0.7 for name in ("violin", "flute", "clarinet", "bandoneon", "organ"))


@pytest.mark.parametrize("name", list(STROKES))
def test_strokes_begin_at_once_and_end(name: str) -> None:
    variants = [stroke(name, variant) for variant in range(4)]
    assert np.array_equal(variants[0], variants[3]) and not np.array_equal(variants[0], variants[1])
    for sound in variants[:3]:
        loud = np.abs(sound)
        assert np.isfinite(sound).all() and 0.05 < loud.max() < 2.5
        assert np.argmax(loud > 0.3 * loud.max()) < 0.02 * SAMPLE_RATE and loud[-20:].max() < 0.05 * loud.max()
