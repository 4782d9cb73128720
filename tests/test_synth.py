"""Our own music: known beats, known length, the same bytes from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from interdance.errors import InputError
from interdance.music.synth import METRES, beat_times, render, write_track


@pytest.mark.parametrize("genre", list(METRES))
def test_track_keeps_its_metre(genre: str) -> None:
    track = render(genre, 12.0, np.random.default_rng(3))
    metre = METRES[genre]
    assert track.samples_N.dtype == np.float32 and len(track.samples_N) == 12 * track.sample_rate
    assert 0.2 < np.abs(track.samples_N).max() <= 1.0
    assert metre.tempo_low <= track.tempo_bpm <= metre.tempo_high and track.beats_per_bar == metre.beats_per_bar
    periods = np.diff(track.beats_s)
    assert track.beats_s[0] < 0.5 and track.beats_s[-1] > 12.0
    assert np.abs(periods * track.tempo_bpm / 60.0 - 1.0).max() < 0.02


@pytest.mark.parametrize("genre", list(METRES))
def test_sound_begins_on_the_beats(genre: str) -> None:
    """Loudness rises at the beats: more than at the same places shifted by three tenths of a beat."""
    track = render(genre, 20.0, np.random.default_rng(5))
    hop = 128
    level = np.sqrt(np.add.reduceat(track.samples_N.astype(float) ** 2, np.arange(0, len(track.samples_N), hop)))
    rise = np.maximum(np.diff(np.log(level + 1e-3)), 0.0)

    def strength(times: np.ndarray) -> float:
        places = (times[(times > 0.5) & (times < 19.5)] * track.sample_rate / hop).astype(int)
        return float(np.mean([rise[place - 2 : place + 4].max() for place in places]))

    period = 60.0 / track.tempo_bpm
    assert strength(track.beats_s) > 1.3 * strength(track.beats_s + 0.3 * period)


def test_same_seed_same_song_other_seed_other_song() -> None:
    first, again, other = (render("tango", 4.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.samples_N, again.samples_N) and np.array_equal(first.beats_s, again.beats_s)
    assert not np.array_equal(first.samples_N, other.samples_N)


def test_beats_without_drift_are_even() -> None:
    beats = beat_times(120.0, 10.0, 0.25, 0.0, 0.0)
    assert np.allclose(np.diff(beats), 0.5) and beats[0] == 0.25 and beats[-1] > 10.0


def test_flac_holds_the_song(tmp_path) -> None:
    track = render("swing", 3.0, np.random.default_rng(9))
    write_track(tmp_path / "song.flac", track)
    samples, rate = soundfile.read(tmp_path / "song.flac", dtype="float32")
    assert rate == track.sample_rate and np.abs(samples - track.samples_N).max() < 1e-4


def test_unknown_genre_is_named() -> None:
    with pytest.raises(InputError, match="polka.*waltz"):
        render("polka", 5.0, np.random.default_rng(0))
