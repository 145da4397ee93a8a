"""The words that the sentences of the text task are made of."""

from __future__ import annotations

__all__ = ["DOMAINS", "SHARED_NOUNS", "SHARED_VERBS", "TOPICS", "VERBS"]

DOMAINS = ("sport", "stage", "science", "home")
"""Superclasses; each has two topics."""

TOPICS: dict[str, dict[str, tuple[str, ...]]] = {
    "football": {
        "football_game": ("goalkeeper", "striker", "penalty", "corner", "offside", "dribble"),
        "football_club": ("league", "transfer", "derby", "captain", "relegation", "stadium"),
    },
    "tennis": {
        "tennis_game": ("racket", "backhand", "forehand", "volley", "deuce", "baseline"),
        "tennis_tour": ("wildcard", "seed", "umpire", "tournament", "qualifier", "ranking"),
    },
    "concert": {
        "concert_band": ("guitar", "drummer", "chorus", "amplifier", "encore", "album"),
        "concert_orchestra": ("violin", "symphony", "conductor", "cello", "overture", "flute"),
    },
    "theatre": {
        "theatre_acting": ("actor", "monologue", "understudy", "rehearsal", "gesture", "prompt"),
        "theatre_house": ("curtain", "costume", "balcony", "backdrop", "usher", "premiere"),
    },
    "biology": {
        "biology_cells": ("enzyme", "protein", "membrane", "genome", "bacterium", "nucleus"),
        "biology_animals": ("mammal", "beetle", "habitat", "predator", "migration", "larva"),
    },
    "physics": {
        "physics_particles": ("electron", "proton", "neutrino", "quark", "photon", "collider"),
        "physics_motion": ("pendulum", "friction", "momentum", "orbit", "gravity", "gyroscope"),
    },
    "cooking": {
        "cooking_meals": ("soup", "stew", "omelette", "sauce", "roast", "casserole"),
        "cooking_baking": ("dough", "pastry", "yeast", "oven", "crust", "flour"),
    },
    "gardening": {
        "gardening_beds": ("tulip", "compost", "trowel", "mulch", "shrub", "hedge"),
        "gardening_fruit": ("orchard", "pruning", "trellis", "graft", "blossom", "harvest"),
    },
}
"""Classes, two of each domain in turn, with their subclasses and the nouns of each."""

VERBS: dict[str, tuple[str, ...]] = {
    "football": ("tackled", "headed", "scored", "kicked"),
    "tennis": ("served", "smashed", "lobbed", "sliced"),
    "concert": ("strummed", "tuned", "sang", "conducted"),
    "theatre": ("acted", "rehearsed", "staged", "whispered"),
    "biology": ("evolved", "divided", "mutated", "digested"),
    "physics": ("accelerated", "collided", "oscillated", "refracted"),
    "cooking": ("simmered", "seasoned", "baked", "chopped"),
    "gardening": ("planted", "watered", "weeded", "pruned"),
}
"""Verbs that give a topic away."""

SHARED_NOUNS: dict[str, tuple[str, str]] = {
    "match": ("football", "tennis"),
    "pitch": ("football", "concert"),
    "score": ("football", "concert"),
    "field": ("football", "physics"),
    "net": ("football", "tennis"),
    "court": ("tennis", "theatre"),
    "set": ("tennis", "theatre"),
    "string": ("tennis", "physics"),
    "ball": ("tennis", "football"),
    "bass": ("concert", "cooking"),
    "jam": ("concert", "cooking"),
    "stage": ("theatre", "concert"),
    "cast": ("theatre", "concert"),
    "role": ("theatre", "biology"),
    "play": ("theatre", "football"),
    "cell": ("biology", "physics"),
    "plant": ("biology", "gardening"),
    "culture": ("biology", "theatre"),
    "root": ("biology", "gardening"),
    "wave": ("physics", "concert"),
    "charge": ("physics", "football"),
    "nut": ("cooking", "gardening"),
    "mint": ("cooking", "gardening"),
    "herb": ("cooking", "gardening"),
    "bed": ("gardening", "biology"),
    "bulb": ("gardening", "physics"),
}
"""Nouns that mean something in two topics."""

SHARED_VERBS = ("took", "kept", "found", "left", "saw", "moved", "held", "missed")
"""Verbs that say nothing about the topic."""
