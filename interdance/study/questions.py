"""What participants are asked: the paper's three questions (§5.1), each with what Appendix H tells them to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

QuestionKey = Literal["quality", "interaction", "music"]
Experience = Literal["none", "some", "trained", "unsaid"]


@dataclass(frozen=True)
class Question:
    """A question: how the database, the participant and the tables name it."""

    key: QuestionKey
    text: str
    hint: str
    short: str


QUESTIONS = (
    Question(
        "quality",
        "Which dance has better overall motion quality?",
        "How real and varied are the blue dancer’s movements? Look for bodies that pass through each other, feet that slide, "
        "hovering and sudden jumps. Leave the music aside.",
        "Motion quality",
    ),
    Question(
        "interaction",
        "Which dance has better interaction?",
        "Do the two dance with each other? Look for hands that should touch and do not, and for bodies that pass through each "
        "other where they touch.",
        "Interaction",
    ),
    Question(
        "music",
        "Which dance has better coordination with the music?",
        "Does the blue dancer move to the beat, and in the style of the music?",
        "Coordination with the music",
    ),
)
QUESTION_KEYS: tuple[QuestionKey, ...] = get_args(QuestionKey)

EXPERIENCES: dict[Experience, str] = {
    "none": "I do not dance",
    "some": "I dance now and then",
    "trained": "I have had dance training",
    "unsaid": "I would rather not say",
}
