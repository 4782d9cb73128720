"""Music features against the peers' own output, and songs that must be refused."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from conftest import shared

from interdance.errors import InputError
from interdance.music import features
from interdance.music.audio import load_audio, read_audio
from interdance.music.features import BEATS, CHROMA, ENVELOPE, MFCC, PEAKS, analyse, music_features

RATE = 22050


def clicks(seconds: float, bpm: float = 120.0, seed: int = 0) -> np.ndarray:
    """A click on every beat over soft noise, float32."""
    rng = np.random.default_rng(seed)
    samples = 0.001 * rng.normal(size=int(seconds * RATE))
    for start in np.arange(0, len(samples) - 2000, 60.0 / bpm * RATE).astype(int):
        samples[start : start + 2000] += np.exp(-np.arange(2000) / 200.0) * rng.normal(size=2000) * 0.3
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same 12 s song as wav, flac, ogg and mp3."""
    folder = tmp_path_factory.mktemp("songs")
    for suffix in ("wav", "flac", "ogg", "mp3"):
        soundfile.write(folder / f"song.{suffix}", clicks(12.0), RATE)
    return folder


@pytest.mark.parametrize("song", ["vibe_ace", "sugar_plum"])
def test_features_are_those_of_the_peers(song: str) -> None:
    path = shared("reference", "audio", f"{song}.wav")
    expected = np.load(shared("reference", "expected", "audio_librosa011.npz"))
    rows = music_features(path, 901, fps=30, hop=512, tolerance_s=0.5)
    for peer in ("lodge35", "edge35"):
        theirs = expected[f"{peer}_{song}"]
        ours = rows[: len(theirs)]
        for columns in (ENVELOPE, MFCC, CHROMA):
            assert np.abs(ours[:, columns] - theirs[:, columns]).max() <= 1e-6 * np.abs(theirs[:, columns]).max()
        for column in (PEAKS, BEATS):
            np.testing.assert_array_equal(ours[:, column], theirs[:, column])


def test_beats_fall_on_the_clicks(songs: Path) -> None:
    rows = music_features(songs / "song.wav", 330, fps=30, hop=512, tolerance_s=0.5)
    assert rows.shape == (330, 35) and rows.dtype == np.float32
    beats = np.flatnonzero(rows[:, BEATS])
    assert len(beats) >= 18
    distance = np.abs(beats[:, None] - np.arange(0, 330, 15)).min(axis=1)
    assert distance.max() <= 2
    assert set(np.unique(rows[:, [PEAKS, BEATS]])) == {0.0, 1.0}


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_every_container_is_read(songs: Path, suffix: str) -> None:
    samples, rate = read_audio(songs / f"song.{suffix}")
    assert rate == RATE and abs(len(samples) / rate - 12.0) < 0.06
    peers, _ = librosa.load(songs / f"song.{suffix}", sr=15360)
    np.testing.assert_array_equal(load_audio(songs / f"song.{suffix}", 15360), peers)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.77, 0.99])
def test_files_cut_in_the_middle_are_refused(songs: Path, tmp_path: Path, suffix: str, share: float) -> None:
    data = (songs / f"song.{suffix}").read_bytes()
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=rf"cut\.{suffix}: .*(cut off|cannot|can be read)"):
        read_audio(path)


def test_an_ogg_cut_between_pages_is_refused(songs: Path, tmp_path: Path) -> None:
    data = (songs / "song.ogg").read_bytes()
    path = tmp_path / "cut.ogg"
    path.write_bytes(data[: data.rfind(b"OggS")])
    with pytest.raises(InputError, match="no page ends the stream"):
        read_audio(path)


def test_an_mp3_without_a_stream_size_is_followed_frame_by_frame(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.mp3", clicks(12.0), RATE, bitrate_mode="CONSTANT", compression_level=0.7)
    data = (tmp_path / "song.mp3").read_bytes()
    tag = max(data.find(b"Xing"), data.find(b"Info"))
    assert tag > 0
    plain = tmp_path / "plain.mp3"
    plain.write_bytes(data[:tag] + b"none" + data[tag + 4 :])
    assert len(read_audio(plain)[0]) > 11 * RATE
    plain.write_bytes(plain.read_bytes()[:-100])
    with pytest.raises(InputError, match="last frame is incomplete"):
        read_audio(plain)


def test_real_songs_are_whole() -> None:
    for path in sorted(shared("data", "music").glob("*.ogg")):
        samples, rate = read_audio(path)
        assert len(samples) / rate > 15


def test_songs_are_cut_or_drawn_out_to_the_motion(songs: Path) -> None:
    whole = music_features(songs / "song.wav", 361, fps=30, hop=512, tolerance_s=0.5)
    part = music_features(songs / "song.wav", 100, fps=30, hop=512, tolerance_s=0.5)
    np.testing.assert_array_equal(part, whole[:100])
    longer = music_features(songs / "song.wav", 372, fps=30, hop=512, tolerance_s=0.5)
    np.testing.assert_array_equal(longer[:361], whole)
    np.testing.assert_array_equal(longer[361:, :PEAKS], np.repeat(whole[-1:, :PEAKS], 11, axis=0))
    assert not longer[361:, PEAKS:].any()
    with pytest.raises(InputError, match=r"song\.wav: the song lasts 12\.0 s and the motion 12\.7 s"):
        music_features(songs / "song.wav", 380, fps=30, hop=512, tolerance_s=0.5)


def test_a_song_is_drawn_out_without_beats(songs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "analyse", lambda *_: np.ones((361, 35), np.float32))
    rows = music_features(songs / "song.wav", 365, fps=30, hop=512, tolerance_s=0.5)
    assert rows[:361].all() and rows[361:, :PEAKS].all() and not rows[361:, PEAKS:].any()


def test_a_short_song_for_a_long_leader_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.ogg", clicks(2.0), RATE)
    with pytest.raises(InputError, match=r"lasts 2\.0 s and the motion 40\.0 s"):
        music_features(tmp_path / "short.ogg", 1200, fps=30, hop=512, tolerance_s=0.5)


def test_what_is_no_song_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_audio(tmp_path / "none.wav")
    (tmp_path / "text.ogg").write_text("not sound")
    with pytest.raises(InputError, match="not a sound file"):
        read_audio(tmp_path / "text.ogg")
    (tmp_path / "nothing.wav").write_bytes(b"")
    with pytest.raises(InputError, match="not a sound file"):
        read_audio(tmp_path / "nothing.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(InputError, match="holds no sound"):
        read_audio(tmp_path / "empty.wav")
    broken = clicks(2.0)
    broken[RATE] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, RATE, subtype="FLOAT")
    with pytest.raises(InputError, match=r"NaN or infinity at 1\.00 s"):
        read_audio(tmp_path / "nan.wav")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_silence_is_a_song() -> None:
    rows = analyse(np.zeros(3 * 15360, np.float32), np.zeros(3 * RATE, np.float32), fps=30, hop=512)
    assert rows.shape == (91, 35) and np.isfinite(rows).all()
    assert not rows[:, [PEAKS, BEATS]].any()


def test_stereo_is_averaged(tmp_path: Path) -> None:
    mono = clicks(1.0)
    soundfile.write(tmp_path / "stereo.wav", np.stack([mono, np.zeros_like(mono)], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "stereo.wav")[0], mono / 2, atol=1e-7)
