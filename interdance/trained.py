"""A trained model on disk: weights, the parameters it was made with, and the statistics it normalises by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from interdance.body.model import Body
from interdance.config import ModelParams, Params, Recipe, recipe_dict, recipe_from_dict
from interdance.errors import InputError
from interdance.files import atomic_folder, read_json, write_json
from interdance.model.denoiser import Denoiser
from interdance.representation.base import Representation
from interdance.representation.normalize import Statistics
from interdance.representation.registry import make_representation

WEIGHTS = "weights.safetensors"
PARAMS = "params.json"
STATISTICS = "statistics.npz"


@dataclass(frozen=True)
class TrainedModel:
    """Everything generation needs. The denoiser is in evaluation mode."""

    denoiser: Denoiser
    representation: Representation
    statistics: Statistics
    params: Recipe


def make_denoiser(params: ModelParams, representation: Representation, music_channels: int) -> Denoiser:
    """A denoiser for motion in a representation, with random weights from torch's current generator."""
    return Denoiser(
        channels=representation.width,
        labels=representation.num_labels,
        music_channels=music_channels,
        task=params.task,
        width=params.width,
        blocks=params.blocks,
        heads=params.heads,
        feed_forward=params.feed_forward,
        dropout=params.dropout,
    )


def start_denoiser(params: Params, representation: Representation, statistics: Statistics) -> Denoiser:
    """The denoiser as training starts from it: seeded weights, projections from the training set's components."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.train.seed)
        denoiser = make_denoiser(params.model, representation, statistics.num_music_channels)
    denoiser.start_from_components(statistics.leader.components(), statistics.follower.components())
    return denoiser


def save_model(folder: Path, model: TrainedModel) -> None:
    """Write a model folder, whole or not at all."""
    with atomic_folder(folder) as temporary:
        save_file({name: value.contiguous() for name, value in model.denoiser.state_dict().items()}, temporary / WEIGHTS)
        write_json(temporary / PARAMS, recipe_dict(model.params))
        model.statistics.save(temporary / STATISTICS)


def load_model(folder: Path, body: Body) -> TrainedModel:
    """Read a model folder; its representation is one of dancers of ``body``.

    Raises
    ------
    InputError
        When a file is missing or damaged, or the weights do not fit the parameters beside them.
    """
    for name in (WEIGHTS, PARAMS, STATISTICS):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no such file; a trained model is made by `dvc repro train` (or `make demo`)")
    params = recipe_from_dict(read_json(folder / PARAMS), str(folder / PARAMS))
    statistics = Statistics.load(folder / STATISTICS)
    representation = make_representation(params.encode.representation, body)
    check_width(folder / STATISTICS, statistics, representation)
    denoiser = make_denoiser(params.model, representation, statistics.num_music_channels)
    try:
        denoiser.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{folder / WEIGHTS}: weights are damaged or of another model ({reason})") from None
    return TrainedModel(denoiser.eval(), representation, statistics, params)


def check_width(path: Path, statistics: Statistics, representation: Representation) -> None:
    """Raise :class:`InputError` when the statistics of ``path`` are those of another representation."""
    found = statistics.leader.mean_C.numel()
    if found != representation.width:
        need = f"{representation.width} are needed for {representation.name}"
        raise InputError(f"{path}: {found} channels, {need}; run the statistics stage again")
