"""The kinds of defects. Where each begins, and how much of it a take may have, is :class:`interdance.config.QualityParams`."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "nan": "Values that are no numbers.",
    "flip": "A joint turns farther in a thirtieth of a second than joints can.",
    "teleport": "The pelvis leaves its path, or a joint its limb, faster than anything moves.",
    "frozen": "Nothing moves at all.",
    "repeated": "Single frames repeat the one before: the true rate is lower than the file's.",
    "floor": "The dancer as a whole stands above or below the floor.",
    "floating": "In the air for longer than a jump lasts, and not lifted by the partner.",
    "sinking": "A part of the surface is below the floor.",
    "skating": "Every foot that may bear weight slides; turning on the spot is no sliding.",
    "bent back": "A knee or an elbow bends the wrong way.",
    "twisted": "A hand is turned farther from its forearm than hands turn.",
    "penetration": "A part of one dancer is deep inside the other.",
    "bone drift": "A bone changes its length.",
    "swap": "The recordings of the two dancers are exchanged.",
    "side swap": "Left and right of one dancer are exchanged.",
    "same dancer": "Leader and follower are one dancer twice.",
    "apart": "The dancers are too far from each other to have been in one room.",
    "rate": "The dancers have different frame rates, or lengths that say so.",
    "length": "The dancers have different lengths.",
    "no music": "There is no song, or it cannot be read.",
    "short music": "The song ends before the dance.",
    "silent music": "The song is silent.",
}
"""What a defect of each kind is."""
