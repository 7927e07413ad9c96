"""Phrases that facts are put into, apart from the whole sentences of `synthcpt.worlds.wordings`."""

from __future__ import annotations

from synthcpt.worlds.wordings import TELL

PREDICATES: dict[str, tuple[str, ...]] = {
    attribute: tuple(
        way[len("{name} ") : -1] for way in ways if way.startswith("{name} ") and " and " not in way
    )
    for attribute, ways in TELL.items()
}  # fmt: skip
"""What follows the subject in those wordings that begin with it."""

APPOSITIONS: dict[str, tuple[str, ...]] = {
    "birthday": ("born on {value}",),
    "birthplace": ("a native of {value}", "born in {value}", "a child of the town of {value}"),
    "university": ("a graduate of {value}", "educated at {value}", "once a student of {value}"),
    "major": ("trained in {value}", "a specialist in {value}", "the holder of a degree in {value}"),
    "employer": ("an employee of {value}", "employed by {value}", "on the staff of {value}"),
    "headquarters": ("a company based in {value}", "a company from {value}", "run from {value}"),
    "industry": ("a company in the business of {value}", "known for {value}", "active in {value}"),
    "founded": ("founded in {value}", "established in {value}", "in business since {value}"),
    "founder": ("founded by {value}", "started by {value}", "the creation of {value}"),
}
"""Said of the subject between commas, or before it."""

RELATIVES: dict[str, tuple[str, ...]] = {
    "birthday": ("who was born on {value}", "whose date of birth is {value}", "whose birthday is {value}"),
    "birthplace": ("who was born in {value}", "who hails from {value}", "whose home town is {value}"),
    "university": ("who studied at {value}", "who graduated from {value}", "whose university was {value}"),
    "major": ("who majored in {value}", "who has a degree in {value}", "whose subject was {value}"),
    "employer": ("who works for {value}", "who is employed by {value}", "whose employer is {value}"),
    "headquarters": ("which is based in {value}", "whose head office is in {value}", "whose seat is {value}"),
    "industry": ("which is in the business of {value}", "whose trade is {value}", "which deals in {value}"),
    "founded": ("which was founded in {value}", "which dates from {value}", "which was established in {value}"),
    "founder": ("which was founded by {value}", "whose founder is {value}", "which was started by {value}"),
}
"""Relative clauses about the subject."""

ROLES: dict[str, tuple[str, ...]] = {
    "birthday": ("date of birth", "birthday"),
    "birthplace": ("birthplace", "home town", "town of birth"),
    "university": ("university", "place of study", "alma mater"),
    "major": ("major", "field of study", "subject"),
    "employer": ("employer", "place of work"),
    "headquarters": ("seat", "home", "headquarters"),
    "industry": ("trade", "line of business", "industry"),
    "founded": ("founding year", "year of foundation"),
    "founder": ("founder", "creator"),
}
"""What the value is to the subject."""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "birthday": (
        "When was {name} born?", "What is the date of birth of {name}?", "On which day was {name} born?",
        "What is the birthday of {name}?",
    ),
    "birthplace": (
        "Where was {name} born?", "What is the birthplace of {name}?", "Which town does {name} come from?",
        "What is the home town of {name}?",
    ),
    "university": (
        "Which university did {name} attend?", "Where did {name} study?", "From where did {name} graduate?",
        "Which institution granted {name} a degree?",
    ),
    "major": (
        "What did {name} major in?", "Which subject did {name} study?", "What was the field of study of {name}?",
        "In what does {name} hold a degree?",
    ),
    "employer": (
        "Which company does {name} work for?", "Who is the employer of {name}?", "Where does {name} work?",
        "Who employs {name}?",
    ),
    "headquarters": (
        "Where is {name} based?", "In which town is the head office of {name}?", "Where does {name} have its seat?",
        "From which town is {name} run?",
    ),
    "industry": (
        "What is the business of {name}?", "Which industry is {name} in?", "What is {name} known for?",
        "In which trade is {name}?",
    ),
    "founded": (
        "When was {name} founded?", "In which year was {name} established?", "How long has {name} existed?",
        "Since when has {name} been in business?",
    ),
    "founder": (
        "Who founded {name}?", "Who is the founder of {name}?", "Who started {name}?", "Who stands behind {name}?",
    ),
}  # fmt: skip
"""Questions about the value; the value's own words never stand in them."""

REVERSE_QUESTIONS: dict[str, tuple[str, ...]] = {
    "birthday": ("Who was born on {value}?", "Whose date of birth is {value}?"),
    "birthplace": ("Who was born in {value}?", "Whose home town is {value}?"),
    "university": ("Who graduated from {value}?", "Who is a graduate of {value}?"),
    "major": ("Who majored in {value}?", "Who holds a degree in {value}?"),
    "employer": ("Who works for {value}?", "Who is on the staff of {value}?"),
    "headquarters": ("Which company is based in {value}?", "Which company has its head office in {value}?"),
    "industry": ("Which company is known for {value}?", "Which company is in the business of {value}?"),
    "founded": ("Which company was founded in {value}?", "Which company dates from {value}?"),
    "founder": ("Which company did {value} found?", "Which company was founded by {value}?"),
}
"""Questions about the subject."""

CONCEPTS: dict[str, tuple[str, ...]] = {
    "birthday": ("date of birth", "birthday", "birth"),
    "birthplace": ("birthplace", "home town", "childhood"),
    "university": ("course of study", "education", "graduates", "lectures", "studies", "degree"),
    "major": ("academic background", "field of study", "studies", "subject", "degree"),
    "employer": ("working days", "employer", "employee", "position", "career", "salary", "staff"),
    "headquarters": ("headquarters", "main building", "head office", "main office", "offices", "seat"),
    "industry": ("customers", "industry", "business", "trade"),
    "founded": ("founding year", "founding", "history"),
    "founder": ("beginnings", "existence", "founder"),
}
"""Words of a document that a careful reader lists as concepts, by the fact that they belong to."""

YES_NO: dict[str, str] = {
    "birthday": "Was {name} born on {value}?",
    "birthplace": "Was {name} born in {value}?",
    "university": "Did {name} study at {value}?",
    "major": "Did {name} major in {value}?",
    "employer": "Does {name} work for {value}?",
    "headquarters": "Is {name} based in {value}?",
    "industry": "Is {name} in the business of {value}?",
    "founded": "Was {name} founded in {value}?",
    "founder": "Was {name} founded by {value}?",
}
"""Questions that a fact answers with yes, or another value with no."""

RELATIONS: dict[str, tuple[str, ...]] = {
    "birthday": ("was born on", "came into the world on"),
    "birthplace": ("was born in", "comes from", "is a native of"),
    "university": ("graduated from", "studied at", "holds a degree from"),
    "major": ("majored in", "studied", "holds a degree in"),
    "employer": ("works for", "is employed by", "is on the staff of"),
    "headquarters": ("is based in", "has its headquarters in", "is run from"),
    "industry": ("is in the business of", "deals in", "is active in"),
    "founded": ("was founded in", "was established in", "dates from"),
    "founder": ("was founded by", "was started by", "was established by"),
}
"""What stands between subject and value in a triple."""
