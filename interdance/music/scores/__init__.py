"""One score for every genre; a score holds all that is true of the genre's music, and a song is drawn from it."""

from __future__ import annotations

from interdance.music.scores.ballroom import FOXTROT, SWING, TANGO, WALTZ
from interdance.music.scores.classical import MINUET, PAS_DE_DEUX
from interdance.music.scores.folk import CSARDAS, LANDLER, POLKA
from interdance.music.scores.latin import BACHATA, CHA_CHA, RUMBA, SALSA
from interdance.music.scores.notation import Score
from interdance.music.scores.street import HIPHOP, LOCKING

SCORES: dict[str, Score] = {
    "waltz": WALTZ,
    "tango": TANGO,
    "foxtrot": FOXTROT,
    "rumba": RUMBA,
    "cha_cha": CHA_CHA,
    "salsa": SALSA,
    "bachata": BACHATA,
    "swing": SWING,
    "polka": POLKA,
    "csardas": CSARDAS,
    "landler": LANDLER,
    "minuet": MINUET,
    "pas_de_deux": PAS_DE_DEUX,
    "hiphop": HIPHOP,
    "locking": LOCKING,
}
