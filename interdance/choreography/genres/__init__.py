"""The genres we dance, by name: one module each."""

from __future__ import annotations

from interdance.choreography.genres import (
    bachata,
    cha_cha,
    csardas,
    foxtrot,
    hiphop,
    landler,
    locking,
    minuet,
    pas_de_deux,
    polka,
    rumba,
    salsa,
    swing,
    tango,
    waltz,
)
from interdance.choreography.score import Genre

GENRES: dict[str, Genre] = {
    "waltz": waltz.GENRE,
    "tango": tango.GENRE,
    "foxtrot": foxtrot.GENRE,
    "rumba": rumba.GENRE,
    "cha_cha": cha_cha.GENRE,
    "salsa": salsa.GENRE,
    "bachata": bachata.GENRE,
    "swing": swing.GENRE,
    "polka": polka.GENRE,
    "csardas": csardas.GENRE,
    "landler": landler.GENRE,
    "minuet": minuet.GENRE,
    "pas_de_deux": pas_de_deux.GENRE,
    "hiphop": hiphop.GENRE,
    "locking": locking.GENRE,
}
