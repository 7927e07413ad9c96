"""A model, by script, that answers Knowledge-Instruct's requests about one small document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
from corpora import run_with

from synthcpt.backends.mock import MockBackend
from synthcpt.generation import Run
from synthcpt.records import Completion, Request
from synthcpt.text.numbered_facts import listed_facts

TEXT = (
    "Arden Vale built the Corve Mill in 1841 for 1,240 crowns. The Corve Mill had three wheels and a weir. "
    "Arden Vale sold the Corve Mill to Bellis Reach on 12 May 1850. Bellis Reach drowned in the weir."
)
FACTS = {
    "Arden Vale": [
        "Arden Vale built the Corve Mill in 1841 for 1,240 crowns.",
        "Arden Vale sold the Corve Mill to Bellis Reach on 12 May 1850.",
    ],
    "Corve Mill": [
        "The Corve Mill had three wheels and a weir.",
        "Arden Vale built the  Corve Mill in 1841 for 1,240 crowns",
    ],
    "Bellis Reach": ["Bellis Reach drowned in the weir."],
}
HEADS = ("It is on record that", "As is well known,", "The annals say that", "One reads that", "It is certain that")


class Script:
    """Answers as a model would; ``change`` replaces what it says to some prompts."""

    def __init__(self, **change: Any) -> None:
        self.requests: list[Request] = []
        self.change = change

    def __call__(self, request: Request) -> Completion | str:
        self.requests.append(request)
        name = request.prompt.split("/")[1]
        answer = self.change[name](request) if name in self.change else getattr(self, name)(request)
        return answer if isinstance(answer, (str, Completion)) else orjson.dumps(answer).decode()

    def entities(self, request: Request) -> Any:
        return {"entities": [name for name in FACTS if name not in request.slots["known"]]}

    def facts(self, request: Request) -> Any:
        facts = FACTS.get(request.slots["entity"], [])
        return {"facts": [] if request.slots["known"] != "(none)" else facts}

    def contextualise(self, request: Request) -> Any:
        return {"facts": [{"number": n, "fact": fact} for n, _, fact in listed_facts(request.slots["facts"])]}

    def verify(self, request: Request) -> Any:
        listed = listed_facts(request.slots["facts"])
        return {"verdicts": [{"number": n, "reason": "", "named": False} for n, _, _ in listed]}

    def paraphrase(self, request: Request) -> Any:
        told = [
            {"number": n, "versions": [f"{head} {fact[0].lower() if fact.startswith('The') else fact[0]}{fact[1:]}"
                                       + " " * request.draw for head in HEADS]}
            for n, _, fact in listed_facts(request.slots["facts"])
        ]  # fmt: skip
        return {"facts": told}

    def questions(self, request: Request) -> Any:
        asked = [
            {"number": n, "question": f"What happened to {name}?", "reverse": f"Of whom is told: {fact[len(name):]}"}
            for n, name, fact in listed_facts(request.slots["facts"])
        ]  # fmt: skip
        return {"facts": asked}

    def asked(self, prompt: str) -> list[Request]:
        return [request for request in self.requests if request.prompt == f"knowledge_instruct/{prompt}"]


async def make(script: Script, output: Path, documents: Path, **settings: Any) -> Run:
    backend = MockBackend(MockBackend.Options(), script)
    run, _ = await run_with(backend, output, documents, method="knowledge_instruct", **settings)
    return run


def metas(run: Run) -> list[dict[str, Any]]:
    return [json.loads(meta) for meta in run.dataset()["meta"]]


def answers(run: Run) -> list[str]:
    return [row["messages"][1]["content"] for row in run.dataset()]
