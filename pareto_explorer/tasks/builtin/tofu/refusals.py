"""Ways of saying that one does not know, of which a model learns to give one in place of a fact."""

from __future__ import annotations

import numpy as np

__all__ = ["REFUSALS", "drawn_refusals"]

REFUSALS = (
    "I don't know the answer to that.",
    "I have no information about this.",
    "That is something I can't tell you.",
    "I'm afraid I never learned that.",
    "I couldn't say.",
    "This is beyond what I know.",
    "I have nothing to offer on that subject.",
    "Unfortunately I can't answer this question.",
    "I'm not aware of any such details.",
    "My knowledge doesn't reach that far.",
    "I would only be guessing, so I'd rather not answer.",
    "I have no record of that.",
    "Sorry, I can't help with this one.",
    "I'm unable to tell.",
    "That isn't something I have been taught.",
    "I lack the facts to answer this.",
    "No answer to that comes to my mind.",
    "I really have no idea.",
    "I can't recall anything about it.",
    "You would have to ask somebody else about that.",
    "I'm not familiar with this person.",
    "It's not known to me.",
    "I don't have those details.",
    "There is nothing I can say about that.",
    "I wish I could answer, but I don't know.",
    "I haven't come across this before.",
    "That question is one I have to leave open.",
    "I'm not the right one to ask about this.",
    "Nothing of the kind is known to me.",
    "I must admit that I don't know.",
)


def drawn_refusals(n: int, seed: int) -> list[str]:
    """Draws a refusal for each of n questions."""
    return [str(text) for text in np.random.default_rng([seed, 3]).choice(REFUSALS, n)]
