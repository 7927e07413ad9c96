"""A controlled world: invented people and companies whose every fact is known, to test knowledge injection with."""

from synthcpt.worlds.asking import WorldQuestion, questions
from synthcpt.worlds.facts import Entity, Fact
from synthcpt.worlds.files import read_world, write_world
from synthcpt.worlds.making import World, make_world
from synthcpt.worlds.telling import biography, sentence

__all__ = [
    "Entity",
    "Fact",
    "World",
    "WorldQuestion",
    "biography",
    "make_world",
    "questions",
    "read_world",
    "sentence",
    "write_world",
]
