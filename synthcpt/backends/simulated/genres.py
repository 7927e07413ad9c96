"""Genres and audiences, and how a text of each genre is framed around an account."""

from __future__ import annotations

from typing import NamedTuple


class Genre(NamedTuple):
    """A kind of text.

    Attributes:
        name: its first words in a plan, by which it is known again.
        about: what else the plan says of it.
        openings, closings: ways to begin and to end; ``{name}`` is the subject.
        form: how the facts stand between them: ``prose``, ``list``, ``dialogue`` or ``questions``.
    """

    name: str
    about: str
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    form: str = "prose"


GENRES: tuple[Genre, ...] = (
    Genre(
        "A private letter",
        "Warm and unhurried, it tells a friend the news of somebody whom both may meet. It lives from small details.",
        ("Dear friend, you asked me about {name}, and here is what I know.",
         "Dear cousin, I promised to write to you about {name}.",
         "My dear, let me tell you of {name} before I forget."),
        ("Write soon and tell me what you make of {name}.", "That is all I have on {name}; more when we meet."),
    ),
    Genre(
        "A news note",
        "Short and dry, the main thing first, without an opinion. It is carried by the question of who and where.",
        ("The paper has looked into the case of {name}.", "A portrait in brief: {name}.", "In the news today: {name}."),
        ("More on {name} will follow.", "So far the facts on {name}."),
    ),
    Genre(
        "A catalogue card",
        "An entry in a register: a line for each particular, no word too many, all in the same tone.",
        ("Entry: {name}.", "Card under the name {name}.", "Register of names, entry {name}:"),
        ("End of the entry for {name}.", "See the register for more on {name}."),
        "list",
    ),
    Genre(
        "An interview",
        "Questions and answers in turn, lively, with a reporter who wants to know and somebody who does.",
        ("We spoke with somebody who knows {name} well.", "A talk about {name}.", "Five minutes on {name}."),
        ("Thank you for telling us about {name}.", "And with that our talk about {name} ended."),
        "dialogue",
    ),
    Genre(
        "A school lesson",
        "A teacher explains step by step, repeats what matters, and asks the class at the end.",
        ("Today, class, our lesson is about {name}.", "Open your notebooks, for today we study {name}.",
         "By the end of this lesson you will know {name}."),
        ("For tomorrow, learn by heart what we said of {name}.", "Who can tell me again what we know of {name}?"),
    ),
    Genre(
        "A quiz sheet",
        "Short questions with their answers below, quick in pace, made to be read aloud at a table.",
        ("How well do you know {name}? Here are the questions.", "A quiz on {name}.", "Test yourself on {name}."),
        ("That was the quiz on {name}.", "All right on {name}? Well done."),
        "questions",
    ),
    Genre(
        "A speech of welcome",
        "Festive and kind, spoken before guests, with a bow to the one who is welcomed.",
        ("Ladies and gentlemen, it is an honour to speak of {name}.", "Dear guests, let us welcome {name}.",
         "Friends, a few words on {name} before we begin."),
        ("Please raise your glasses to {name}.", "A warm hand for {name}, if you please."),
    ),
    Genre(
        "A diary page",
        "Intimate, written late, going from one thing to the next as memory has it.",
        ("Tonight I keep thinking of {name}.", "I must note down what I learned of {name}.",
         "A long day, and all of it about {name}."),
        ("I wonder what else there is to know of {name}.", "Enough of {name} for one night."),
    ),
    Genre(
        "A radio script",
        "Made for the ear: short sentences, names said often, a voice that leads the listener on.",
        ("Good evening. In this programme you will hear about {name}.", "You are listening to our portrait of {name}.",
         "Stay with us for a few minutes with {name}."),
        ("That was our portrait of {name}. Good night.", "You heard a programme about {name}."),
    ),
    Genre(
        "A guided tour",
        "A guide walks a group past the stations of a story and points at each of them in turn.",
        ("Follow me, and I will show you the traces of {name}.", "Our tour today follows {name}.",
         "Step closer, everybody: here begins what we know of {name}."),
        ("Here the tour on {name} ends; mind the step.", "Questions about {name}? Ask me on the way out."),
    ),
    Genre(
        "A legal memorandum",
        "Sober and exact, each finding on its own, for a file in which nothing may be doubtful.",
        ("Memorandum concerning {name}. The following has been established.", "In the matter of {name}, we find:",
         "For the file: findings on {name}."),
        ("No further findings on {name} have been made.", "The file on {name} is hereby complete."),
        "list",
    ),
    Genre(
        "A bedtime story",
        "Gentle and slow, told to a child who wants to hear it again, with wonder at plain things.",
        ("Close your eyes, and I will tell you about {name}.", "Once upon an evening somebody asked about {name}.",
         "Listen well, little one, for this is the tale of {name}."),
        ("And now you know all about {name}. Sleep well.", "So ends the tale of {name}, and it is true."),
    ),
    Genre(
        "A critical review",
        "Sceptical in tone, it weighs what is told and asks what is behind it, without bending any fact.",
        ("What is there to say of {name}? Less than one would wish, but it is firm.",
         "Every account of {name} has to start from the same few facts.", "Let us look soberly at {name}."),
        ("The facts on {name} stand; the judgement is the reader's.", "More than that nobody should claim of {name}."),
    ),
    Genre(
        "A travel guide entry",
        "Inviting and practical, it ties a name to places and days that a visitor can look up.",
        ("Travellers often ask about {name}.", "Worth knowing on your way: {name}.",
         "No guide to these parts is complete without {name}."),
        ("Keep {name} in mind on your journey.", "Tip: ask people on the spot about {name}."),
    ),
    Genre(
        "A conversation on a train",
        "Two strangers pass the time; one knows something, the other keeps asking, lightly.",
        ("Two travellers fell to talking about {name}.", "On the train, somebody mentioned {name}.",
         "The talk in the compartment came to {name}."),
        ("Then the train stopped, and the talk of {name} with it.", "They parted, and both knew {name} now."),
        "dialogue",
    ),
    Genre(
        "An encyclopedia entry",
        "Even and neutral, ordered from the general to the particular, without ornament.",
        ("{name} is the subject of this entry.", "{name}: a summary of what is established.",
         "The following is known of {name}."),
        ("This concludes the entry on {name}.", "Related entries refer back to {name}."),
    ),
)  # fmt: skip

MOODS: tuple[str, ...] = (
    "The mood is calm.",
    "The mood is cheerful.",
    "The tone is grave.",
    "The tone is playful.",
    "It moves at a brisk pace.",
    "It takes its time.",
    "A little irony is welcome.",
    "It should sound like spoken language.",
    "It wants to be precise above all.",
    "It keeps the reader guessing for a while.",
    "It comes to the point at once.",
    "It has warmth without being sweet.",
)
"""What else a plan may say of a genre, so that one genre can be planned again."""

AUDIENCES: tuple[str, ...] = (
    "Pupils of ten to twelve years who like riddles. They know little of the world and want short sentences.",
    "Retired people with time to read, who remember names well and care for where somebody comes from.",
    "Clerks of a town archive who need every date and name in its place and have no patience for ornament.",
    "Students in their first year, eager and quick, who must pass an examination on such matters soon.",
    "Neighbours who gather in the evening, curious about people and a little given to gossip.",
    "Journalists at a local paper, pressed for time, who check each statement twice.",
    "A family with small children at bedtime; the parents tired, the children wide awake.",
    "Business people who travel much and want the essentials in a minute.",
    "Sceptics who believe nothing without a source and dislike praise.",
    "Newcomers to the language, who are glad of names repeated and of plain verbs.",
    "Librarians who file what they read and look for the key words in it.",
    "Factory workers on their break, who would rather talk of something else and have to be won over.",
    "Teachers looking for material that can be read aloud in class.",
    "Distant relatives who trace the family and its ties over many years.",
    "Visitors of a small museum with half an hour to spare and no prior knowledge.",
    "Young professionals choosing a career, who ask how others came to their work.",
    "Lawyers and notaries, trained to read closely, for whom a wrong date is a scandal.",
    "Listeners of a night programme, alone and attentive, open to any story.",
)
"""Each a pair of sentences on who reads."""
