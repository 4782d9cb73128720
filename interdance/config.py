"""Parameters of every stage and the places where stages read and write.

``params.yaml`` is the one home of every number; a file of ``configs/`` laid over it changes some of them. The
dataclasses below have no defaults: a key that is missing or unknown is an error that lists the known ones.
"""

from __future__ import annotations

import dataclasses
import os
import re
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from interdance.errors import InputError

Kind = typing.TypeVar("Kind")


@dataclass(frozen=True)
class DataParams:
    """What holds for every data set: the rate of all takes, and how many takes are imported at a time."""

    fps: int
    workers: int


@dataclass(frozen=True)
class SetParams:
    """One data set: who reads it and where it lies. Folders are relative to the project."""

    source: str  # choreography, or a name of interdance/importers/registry.py
    folder: str  # of the motions; idle for choreography
    music: str  # of the songs; the same folder, where the layout of the set says where they are
    takes: list[str]  # names of the takes to read; empty for every one
    genre: str  # of takes whose files do not tell it


@dataclass(frozen=True)
class BodyParams:
    """``model`` is empty for the embedded body, or the path of a licensed SMPLX_NEUTRAL.npz."""

    model: str


@dataclass(frozen=True)
class ChoreographyParams:
    """The synthetic couples."""

    seed: int
    genres: list[str]
    takes_per_genre: int
    take_seconds: float
    workers: int


@dataclass(frozen=True)
class MusicParams:
    """Music features. A song may end up to ``tolerance_s`` before the motion does."""

    hop: int
    tolerance_s: float


@dataclass(frozen=True)
class QualityParams:
    """Where a defect begins. The values that are shipped were measured on captured and made dancers: ``docs/quality.md``.

    Attributes
    ----------
    flip_speed : float
        Degrees per second that a joint may turn relative to its parent, over 1/30 s. 1500 are 50 degrees per frame.
    root_speed : float
        Metres per second of the pelvis.
    root_jump : float
        Metres by which the pelvis may miss the straight line on from the two frames before, at 30 frames per second or
        more.
    joint_speed : float
        Metres per second of any joint; what a flip or a jump of the root explains is not reported again.
    frozen_s : float
        Seconds in which nothing moves.
    repeated : float
        Share of frames that repeat the frame before, singly, while the dancer moves: the true rate is lower.
    floor : float
        Metres that the median over the take of the lowest surface point may be off the floor.
    floating, floating_s : float
        Metres that the lowest surface point may be above the floor, and seconds that it may stay there: longer than a
        jump lasts. A dancer whom a standing partner touches is lifted, and does not float.
    sinking, sinking_s : float
        Metres below the floor, and seconds.
    skating, skating_s : float
        Metres per second at which the foot that slides least slides, and seconds. Pivoting is no sliding.
    hinge, hinge_s : float
        Degrees by which a knee or an elbow may bend the wrong way, and seconds.
    wrist : float
        Degrees between a hand and the forearm, twist included; for as long as ``hinge_s``.
    penetration, penetration_s : float
        Metres that one dancer's surface may be deep in the other's, and seconds. At least 0.035, what is measured exactly.
    lift_gap : float
        Metres between the surfaces of two dancers who touch.
    bone : float
        Share by which a bone's length may differ from its median (positions of joints alone; parameters cannot drift).
    swap : float
        Metres that the two dancers together jump when their recordings are exchanged.
    apart : float
        Metres between the dancers in the median: farther apart they were not recorded in one world.
    same : float
        Metres between the dancers' pelvises in the median: nearer they are one dancer twice.
    music_short_s : float
        Seconds by which the song may end before the dance.
    silence : float
        Loudest sample, in 0..1, of a song that counts as silent.
    needs_music : bool
        Whether a take without a song is defective. Sets that were recorded without music say no.
    allowed : mapping of str to float
        Kind -> share of a take's frames that may show it before the take is excluded; 0: a single frame is too many. Kinds
        that are not named are reported and never exclude. ``root flip`` and ``root teleport`` are those of the pelvis,
        with which the whole dancer jumps.
    """

    flip_speed: float
    root_speed: float
    root_jump: float
    joint_speed: float
    frozen_s: float
    repeated: float
    floor: float
    floating: float
    floating_s: float
    sinking: float
    sinking_s: float
    skating: float
    skating_s: float
    hinge: float
    hinge_s: float
    wrist: float
    penetration: float
    penetration_s: float
    lift_gap: float
    bone: float
    swap: float
    apart: float
    same: float
    music_short_s: float
    silence: float
    needs_music: bool
    allowed: dict[str, float]


@dataclass(frozen=True)
class DatacardParams:
    """Data cards; contact and clips are counted as ``evaluate`` counts them."""

    near_distance: float  # metres: a point nearer to the partner's surface than this touches it
    workers: int


@dataclass(frozen=True)
class SplitParams:
    """Shares of the takes of each genre (paper, §3.2)."""

    seed: int
    test: float
    validation: float
    published: bool  # a part that the data set itself gives a take goes before the lot
    assign: dict[str, str]  # <set>/<take> -> train | validation | test | none; goes before everything
    duplicate_distance: float  # metres: windows nearer than this, mean over joints, are the same dance twice
    duplicate_share: float  # of the shorter take's windows; takes that share more are kept in one part


@dataclass(frozen=True)
class EncodeParams:
    """How a dancer is written as numbers, and the thresholds of the contact labels."""

    representation: Literal["canonical", "joints", "joints_vertices", "smplx6d", "humanml263", "mojo", "coins"]  # Table 2
    foot_height: float  # metres above the floor
    foot_speed: float  # metres per second
    partner_distance: float  # metres
    workers: int


@dataclass(frozen=True)
class AugmentParams:
    """Couples that are trained on besides the ones there are."""

    mirror: bool  # left for right, encoded from the mirrored pose
    swap_roles: bool  # leader and follower exchanged


@dataclass(frozen=True)
class StatisticsParams:
    """Training-set statistics: windows as they are trained on, at most ``num_windows`` of them."""

    seed: int
    num_windows: int
    num_rows: int  # frames that the principal components are computed from
    num_components: int  # principal components kept to start the denoiser's projections from
    least_std: float  # floor of the deviations, in each channel's own unit
    root_gain: float  # how much larger than the others the root channels come out of normalisation


@dataclass(frozen=True)
class ModelParams:
    """The denoiser (METHOD.md §4)."""

    task: Literal["reactive", "duet"]
    width: int
    blocks: int
    heads: int
    feed_forward: int
    dropout: float


@dataclass(frozen=True)
class DiffusionParams:
    """The forward process and its library scheduler."""

    num_steps: int
    beta_schedule: Literal["squaredcos_cap_v2", "linear"]
    noise_shift: float  # how many times larger the noise is, against the signal, than in the schedule by name


@dataclass(frozen=True)
class SignalParams:
    """What the denoiser is told (Table 9), and how often it does without (classifier-free guidance)."""

    leader: bool
    music: bool
    leader_dropout: float  # share of training windows
    music_dropout: float


@dataclass(frozen=True)
class LossParams:
    """Weights of Eq. 8 and what the terms are limited to."""

    recon: float
    vel: float
    acc: float
    foot: float
    dm: float
    ro: float
    con: float
    labels: float
    dm_distance: float  # metres
    max_interaction_step: int


@dataclass(frozen=True)
class TrainParams:
    """Optimisation."""

    seed: int
    window: int
    stride: int
    batch: int
    steps: int
    lr: float
    lr_final: float
    projection_lr: float  # share of lr for the projections between channels and width; 0 keeps them as they start
    warmup: int
    weight_decay: float
    grad_clip: float
    accumulate: int  # parts of a batch that are gone through one after the other
    compile: bool
    start_from: str  # folder of a trained model; empty: weights by lot
    choose: Literal["last", "best"]  # weights that are kept: best by the validation error
    ema: float
    precision: Literal["float32", "bfloat16"]  # of the blocks' matrix products; weights and losses stay float32
    report_every: int
    checkpoint_every: int
    validate_every: int
    sample_every: int  # steps between pages that show the first seconds of a validation take; 0: none
    num_workers: int


@dataclass(frozen=True)
class SampleParams:
    """Sampling a whole take from overlapping windows; the test takes are generated once with every seed."""

    seeds: list[int]
    sampler: Literal["ddim", "ddpm", "dpm_solver"]  # docs/sampling.md
    steps: int  # of the sampler, diffusion.num_steps at most
    window: int
    overlap: int
    block: int  # frames that are sampled together; a longer take block by block
    smoothing: float  # frames, of the clean prediction along time at every step; 0 for none
    batch: int
    mask: Literal["none", "leader", "music"]  # withheld at test time (Table 9)
    leader_scale: float  # of classifier-free guidance; 1 is the model by itself
    music_scale: float


@dataclass(frozen=True)
class GuidanceParams:
    """Interaction refine guidance (Eq. 9-10)."""

    contact_scale: float
    penetration_scale: float
    engine: Literal["exact", "coap"]  # of the depth of Eq. 9; the exact one, or the paper's network (configs/coap.yaml)
    coap_weights: str  # the network's checkpoint
    temperature: float  # the width of the sigmoid of Eq. 9: metres, or with COAP logits
    contact_max_step: int  # each term acts at diffusion steps n up to its own
    penetration_max_step: int
    contact_reach: float  # metres: farther labelled points are not pulled
    inner_steps: int
    max_deviation: float  # longest step, in standard deviations of the poses trained on
    smoothing: float  # frames, of the guidance step along time
    root_mobility: float  # metres and radians, see diffusion.guidance.ways_to_move


@dataclass(frozen=True)
class CleanParams:
    """What a generated follower is freed of on demand; see generation.clean."""

    cutoff: float  # Hz: what moves faster is taken for jitter; 0 for no filter
    label: float  # from here on a foot's predicted label says that it stands
    shortest: int  # frames: stands and gaps between them that are shorter do not count
    blend: int  # frames in which a foot finds its way into a stand and out of it
    reach: float  # metres: a foot that wanders farther from the middle of a stand, or is farther from the floor, is not held


@dataclass(frozen=True)
class EvaluateParams:
    """Cutting into clips, on which vertices surfaces are measured, and the thresholds of the contact metrics."""

    surface: Literal["sampled", "full"]  # the 655 vertices of the representation, or every one of the body model
    clip_frames: int
    clip_stride: int
    contact_distance: float  # metres
    held_distance: float  # metres: a follower's hand nearer to the leader than this holds on
    bootstrap: int
    seed: int
    workers: int


@dataclass(frozen=True)
class ReportParams:
    """What the report shows."""

    num_samples: int
    video_width: int
    video_height: int


@dataclass(frozen=True)
class PromoteParams:
    """The gate that a model passes to become champion; figures are those of the evaluation."""

    metric: str  # a new champion is better than the one before beyond the 95 % interval of the difference
    limits: dict[str, float]  # by how much other figures may be worse, in their own units


@dataclass(frozen=True)
class StudyParams:
    """A user study (paper, §5.1): its films, what a participant watches, and whose answers count.

    Attributes
    ----------
    port : int
        That it is served at.
    seed : int
        Of clips, halves and orders.
    against : str
        ``first``: the first set stands against every other, as in the paper; ``all``: each against each.
    clip_s : float
        Seconds of a film.
    num_clips : int
        Stretches of the takes; each is filmed once for every comparison.
    num_pairs, num_checks : int
        Films that a participant watches, and attention checks besides.
    width, height : int
        Pixels of one side of a film.
    check_wrong : int
        Answers at attention checks, three each, that a participant may give for the broken dance.
    hasty_s : float
        Seconds that a participant takes at least, in the median over her films, from a film's end to its third answer.
    workers : int
        Threads that draw.
    """

    port: int
    seed: int
    against: Literal["first", "all"]
    clip_s: float
    num_clips: int
    num_pairs: int
    num_checks: int
    width: int
    height: int
    check_wrong: int
    hasty_s: float
    workers: int


@dataclass(frozen=True)
class StudioParams:
    """The web application (docs/studio.md): what it takes in, makes and keeps, at most."""

    port: int
    upload_mb: float  # of one file
    upload_s: float  # until all of a file is there
    uploads: int  # files that come in at the same time; further ones are turned away
    patience_s: float  # for the next piece of an upload, and for reading a file
    memory_mb: float  # that reading a file may take
    longest_s: float  # of a dance
    longest_song_s: float
    workers: int  # dances and exports that are made at a time
    queue: int  # that wait for it; further ones are turned away
    job_s: float  # that one of them may take
    keep: int  # results, as many failures, and as many uploads; the oldest go first
    keep_days: float
    most_followers: int  # of one leader at a time
    most_steps: int  # of sampling
    most_guidance: float  # largest scale of each of the two terms


@dataclass(frozen=True)
class TrackingParams:
    """MLflow. An address given by the environment (``MLFLOW_TRACKING_URI``) goes before the local database."""

    experiment: str


@dataclass(frozen=True)
class Recipe:
    """The parameters that a trained model cannot be used without; they are saved with it."""

    data: DataParams
    music: MusicParams
    encode: EncodeParams
    model: ModelParams
    diffusion: DiffusionParams
    signals: SignalParams


@dataclass(frozen=True)
class Params(Recipe):
    """Every parameter, one section per stage or room."""

    sets: dict[str, SetParams]
    mixture: dict[str, float]  # set -> share of the training windows, relative to the others; empty: every window alike
    body: BodyParams
    choreography: ChoreographyParams
    quality: QualityParams
    datacard: DatacardParams
    split: SplitParams
    augment: AugmentParams
    statistics: StatisticsParams
    losses: LossParams
    train: TrainParams
    sample: SampleParams
    guidance: GuidanceParams
    clean: CleanParams
    evaluate: EvaluateParams
    report: ReportParams
    promote: PromoteParams
    study: StudyParams
    studio: StudioParams
    tracking: TrackingParams

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Paths:
    """Where stages read and write, below one root."""

    root: Path

    @property
    def takes(self) -> Path:
        return self.root / "data" / "takes"

    @property
    def music(self) -> Path:
        return self.root / "data" / "music"

    @property
    def split(self) -> Path:
        return self.root / "data" / "split.json"

    @property
    def encoded(self) -> Path:
        return self.root / "data" / "encoded"

    @property
    def cards(self) -> Path:
        return self.root / "data" / "cards"

    @property
    def statistics(self) -> Path:
        return self.root / "data" / "statistics.npz"

    @property
    def reference(self) -> Path:
        return self.root / "data" / "reference.npz"

    @property
    def checkpoints(self) -> Path:
        return self.state / "checkpoints"

    @property
    def model(self) -> Path:
        return self.root / "models" / "denoiser"

    @property
    def generated(self) -> Path:
        return self.root / "generated"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def kept(self) -> Path:
        """What earlier runs of the stages made, take by take: of this root alone, unlike the state."""
        return self.root / ".kept"

    @property
    def state(self) -> Path:
        """Records of runs, journals, servers' homes: one ignored folder, or the one ``INTERDANCE_STATE`` names."""
        return Path(os.environ.get("INTERDANCE_STATE") or self.root / ".state")


def load(path: Path, *overlays: Path) -> Params:
    """Read ``params.yaml`` and lay the overlays over it, in order.

    Raises
    ------
    InputError
        For a missing or malformed file, an unknown key (the known ones are listed), a missing key, a value of the wrong
        type, or a word outside the closed list of a field.
    """
    merged = read_yaml(path)
    for overlay in overlays:
        merged = merge(merged, read_yaml(overlay))
    source = ", ".join(str(item) for item in (path, *overlays))
    return from_dict(merged, source)


def merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``overlay`` in place; mappings are merged, null takes a key out, the rest is replaced."""
    result = dict(base)
    for key, value in overlay.items():
        inner = result.pop(key, None)
        if value is not None:
            result[key] = merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result


def from_dict(values: dict[str, Any], source: str) -> Params:
    """Build :class:`Params` from nested mappings; ``source`` names their origin in errors."""
    params = typing.cast(Params, _build(Params, values, source, ""))
    if not params.sets:
        raise InputError(f"{source}: sets: at least one data set is needed")
    for name in params.sets:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise InputError(f"{source}: sets: '{name}' names folders and stages; use letters, digits, _ and -")
    return params


def read_as(kind: type[Kind], path: Path) -> Kind:
    """A file of another kind than parameters, as strictly: every key of the dataclass, and no other."""
    return built(kind, read_yaml(path), str(path))


def built(kind: type[Kind], values: Any, source: str) -> Kind:
    """Values of another origin, as strictly; ``source`` names it in errors."""
    return typing.cast(Kind, _build(kind, values, source, ""))


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """The sections of a recipe, and no others, as nested mappings."""
    return {item.name: dataclasses.asdict(getattr(recipe, item.name)) for item in dataclasses.fields(Recipe)}


def recipe_from_dict(values: dict[str, Any], source: str) -> Recipe:
    """Build a :class:`Recipe`; other sections are left alone, ``source`` names the origin in errors."""
    names = [item.name for item in dataclasses.fields(Recipe)]
    return typing.cast(Recipe, _build(Recipe, {name: values[name] for name in names if name in values}, source, ""))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping. Raises :class:`InputError` when it is missing or holds something else."""
    try:
        values = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: a mapping of sections is needed, found {type(values).__name__}")
    return values


def _build(kind: type, values: Any, source: str, prefix: str) -> Any:
    if not isinstance(values, dict):
        raise InputError(f"{source}: {prefix.rstrip('.') or 'the file'} must be a mapping, found {values!r}")
    hints = typing.get_type_hints(kind)
    known = ", ".join(hints)
    for key in values:
        if key not in hints:
            raise InputError(f"{source}: {prefix}{key}: unknown key; known: {known}")
    for key in hints:
        if key not in values:
            raise InputError(f"{source}: {prefix}{key}: missing; every one of these is needed: {known}")
    return kind(**{key: _value(hint, values[key], source, prefix + key) for key, hint in hints.items()})


def _value(hint: Any, value: Any, source: str, name: str) -> Any:
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, source, name + ".")
    if origin is Literal:
        words = typing.get_args(hint)
        if value not in words:
            raise InputError(f"{source}: {name}: {value!r} is not one of {', '.join(map(str, words))}")
        return value
    if origin is list:
        (inner,) = typing.get_args(hint)
        if not isinstance(value, list):
            raise InputError(f"{source}: {name}: a list is needed, found {value!r}")
        return [_value(inner, item, source, f"{name}[{index}]") for index, item in enumerate(value)]
    if origin is dict:
        _, inner = typing.get_args(hint)
        if not isinstance(value, dict):
            raise InputError(f"{source}: {name}: a mapping is needed, found {value!r}")
        return {str(key): _value(inner, item, source, f"{name}.{key}") for key, item in value.items()}
    if hint is Any:
        return value
    if isinstance(hint, types.UnionType):
        raise TypeError(f"{name}: unions are not supported in parameters")
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise InputError(f"{source}: {name}: a number of {len(str(abs(value)))} digits is too large") from None
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise InputError(f"{source}: {name}: {hint.__name__} is needed, found {value!r}")
    return value
