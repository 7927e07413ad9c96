"""Words whose full stop need not end a sentence. Lower case, without the last stop."""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """The words of a text, split at whitespace."""
    return frozenset(words.split())


ALWAYS = word_set(
    """mr mrs ms mx dr prof st messrs mme mlle hon rev revd fr capt cpt cmdr col gen lt lieut maj sgt adm brig sen rep
    gov pres supt vs cf viz e.g i.e eg ie lit transl trans approx ca mt ft dept est resp incl feat prod dir bzw z.b
    d.h u.a vgl nr sog"""
)
"""A sentence does not end after these."""

BEFORE_NUMBERS = word_set(
    """no nos vol vols fig figs eq eqs sec ch chap p pp pt pts art par para op ed eds c v jan feb mar apr jun jul aug
    sep sept oct nov dec"""
)
"""A sentence does not end after these where a number follows."""

SOMETIMES = word_set("etc inc ltd co corp bros jr sr al a.m p.m am pm ph.d b.a m.a pvt plc esq d.c")
"""A sentence ends after these where the next word is one that opens sentences; single initials are treated alike."""

OPENERS = word_set(
    """The A An It Its He She They We You I His Her Their Our My This That These Those There Here In On At By For From
    After Before During When While Where As If Although Though Since Because However But And Or So Yet Then Thus
    What Why How Who Both Each Some Many Most All No Not One Two Three With Without Under Upon Until To Of Later
    Another Other Such Only Even Now Meanwhile According Also Once"""
)
"""Words that, with a capital, nearly always open a sentence and seldom a name."""
