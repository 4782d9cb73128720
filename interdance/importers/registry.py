"""The data sets that can be imported, by name."""

from __future__ import annotations

from types import ModuleType
from typing import cast

from interdance.errors import InputError
from interdance.importers import aistpp, amass, compas3d, dd100, finedance, folder, interdance, interhuman, interx
from interdance.importers.source import Importer

IMPORTERS: dict[str, ModuleType] = {
    "folder": folder,
    "interdance": interdance,
    "dd100": dd100,
    "compas3d": compas3d,
    "interhuman": interhuman,
    "interx": interx,
    "aistpp": aistpp,
    "finedance": finedance,
    "amass": amass,
}
"""Name of a data set, as ``sets.<set>.source`` says it -> its module."""


def find_importer(name: str) -> Importer:
    """The importer of that name. Raises :class:`InputError` that lists the known ones."""
    if name not in IMPORTERS:
        raise InputError(f"source '{name}' is not known; known: choreography, {', '.join(IMPORTERS)}")
    return cast(Importer, IMPORTERS[name])
