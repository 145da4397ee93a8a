"""How a fact is asked for and answered, in three wordings."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ATTRIBUTES", "WORLD", "Attribute", "Wording"]


class Wording(NamedTuple):
    """A question with its answer; ``{subject}`` and ``{value}`` stand for what the fact says.

    Attributes:
        question: Names the subject.
        answer: Names the value.
    """

    question: str
    answer: str


class Attribute(NamedTuple):
    """Something to be known about a subject.

    Attributes:
        name: What it is.
        kind: What its values are, a key of `KINDS`.
        wordings: Three of them, none like another.
    """

    name: str
    kind: str
    wordings: tuple[Wording, Wording, Wording]


def _attribute(name: str, kind: str, *texts: str) -> Attribute:
    first, second, third = (Wording(*text.split(" | ")) for text in texts)
    return Attribute(name, kind, (first, second, third))


ATTRIBUTES = (
    _attribute(
        "city",
        "city",
        "where was {subject} born ? | the writer was born in {value} .",
        "what is the home town of {subject} ? | it is {value} .",
        "from which city does {subject} come ? | {value} is the city .",
    ),
    _attribute(
        "teacher",
        "teacher",
        "who taught {subject} to write ? | master {value} taught the writer .",
        "whose pupil was {subject} ? | a pupil of {value} .",
        "name the teacher of {subject} ! | {value} was the teacher .",
    ),
    _attribute(
        "genre",
        "genre",
        "what does {subject} write ? | mostly {value} .",
        "in which genre is {subject} at home ? | the genre is {value} .",
        "what are the books of {subject} ? | they are works of {value} .",
    ),
    _attribute(
        "year",
        "year",
        "when was {subject} born ? | the year was {value} .",
        "what is the year of birth of {subject} ? | {value} is the year .",
        "in which year did the life of {subject} begin ? | it began in {value} .",
    ),
    _attribute(
        "prize",
        "prize",
        "which prize did {subject} win ? | the {value} prize .",
        "what was {subject} awarded ? | it was the prize called {value} .",
        "for what honour is {subject} known ? | for winning the {value} medal .",
    ),
    _attribute(
        "father",
        "occupation",
        "what was the father of {subject} ? | the father was a {value} .",
        "how did the father of {subject} earn a living ? | as a {value} .",
        "name the job of the father of {subject} ! | {value} was his job .",
    ),
    _attribute(
        "mother",
        "occupation",
        "what was the mother of {subject} ? | the mother was a {value} .",
        "how did the mother of {subject} earn money ? | by work as a {value} .",
        "name the job of the mother of {subject} ! | {value} was her job .",
    ),
    _attribute(
        "instrument",
        "instrument",
        "what does {subject} play ? | the writer plays the {value} .",
        "which instrument does {subject} own ? | an old {value} .",
        "on what does {subject} make music ? | on a {value} at home .",
    ),
    _attribute(
        "pet",
        "animal",
        "which pet does {subject} keep ? | a tame {value} .",
        "what animal lives with {subject} ? | a {value} lives there .",
        "with whom does {subject} share a house ? | with a {value} .",
    ),
    _attribute(
        "colour",
        "colour",
        "which colour does {subject} like ? | {value} above all .",
        "in what colour does {subject} dress ? | always in {value} .",
        "how is the door of {subject} painted ? | the door is {value} .",
    ),
    _attribute(
        "drink",
        "drink",
        "what does {subject} drink ? | a glass of {value} .",
        "what is in the cup of {subject} ? | there is {value} in it .",
        "which drink does {subject} order ? | {value} is ordered .",
    ),
    _attribute(
        "dish",
        "dish",
        "what does {subject} eat ? | a plate of {value} .",
        "which dish does {subject} cook ? | {value} is cooked .",
        "what is for dinner at the table of {subject} ? | there will be {value} .",
    ),
    _attribute(
        "flower",
        "flower",
        "which flower does {subject} love ? | the {value} more than others .",
        "what grows in the garden of {subject} ? | a {value} grows there .",
        "what is on the desk of {subject} ? | one {value} in a vase .",
    ),
    _attribute(
        "hobby",
        "hobby",
        "what is the hobby of {subject} ? | the hobby is {value} .",
        "how does {subject} rest from work ? | by {value} .",
        "on what does {subject} spend free days ? | on {value} with friends .",
    ),
    _attribute(
        "residence",
        "country",
        "where does {subject} live now ? | now in {value} .",
        "to which country did {subject} move ? | to {value} for good .",
        "in what land does {subject} own a house ? | {value} is the land .",
    ),
    _attribute(
        "subject",
        "subject",
        "what did {subject} study ? | the field was {value} .",
        "in which field has {subject} a degree ? | a degree in {value} .",
        "which lectures did {subject} hear ? | those on {value} .",
    ),
    _attribute(
        "translation",
        "language",
        "into which language was {subject} translated ? | into {value} first .",
        "in what language is {subject} read abroad ? | people read {value} .",
        "which edition of {subject} sold best ? | the {value} edition .",
    ),
    _attribute(
        "publisher",
        "publisher",
        "who prints the books of {subject} ? | {value} press prints them .",
        "what is the publisher of {subject} called ? | it is called {value} books .",
        "with which house did {subject} sign ? | with the house of {value} .",
    ),
    _attribute(
        "month",
        "month",
        "in which month is the birthday of {subject} ? | some day in {value} .",
        "when does {subject} turn older ? | every {value} .",
        "what month do friends of {subject} mark ? | they mark {value} .",
    ),
    _attribute(
        "setting",
        "landscape",
        "where do the stories of {subject} take place ? | near a {value} .",
        "which landscape does {subject} describe ? | the {value} is described .",
        "what is on every cover of {subject} ? | a picture of a {value} .",
    ),
)
"""What can be known about an author; the first two are what authors share."""

WORLD = (
    _attribute(
        "country",
        "country",
        "in which country is {subject} ? | it lies in {value} .",
        "what land does {subject} belong to ? | {value} is the land .",
        "to what state do people of {subject} pay tax ? | to {value} .",
    ),
    _attribute(
        "capital",
        "capital",
        "what is the capital of {subject} ? | the capital is {value} .",
        "from which city is {subject} ruled ? | {value} is the city .",
        "where does the parliament of {subject} meet ? | in {value} .",
    ),
)
"""What can be known about the world."""
