"""What each kind of stage does; every one runs in a process of its own and can be killed and begun again."""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from synthcpt.errors import SynthcptError, TrainingFailed
from synthcpt.experiments.stages import MARKER, OUTPUT, Kind
from synthcpt.files import write_text

LOG = "log.txt"


def attempt(kind: Kind, folder: str, settings: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """`do` for another process: an error of ours comes back as its class's names and its message, for it may not
    survive being sent.

    Returns:
        The marker, or ``{"error": names of the class and those it derives from, "message": ...}``.
    """
    try:
        return do(kind, folder, settings, told)
    except SynthcptError as error:
        names = [one.__name__ for one in type(error).__mro__]
        with (Path(folder) / LOG).open("a", encoding="utf-8") as log:
            log.write(f"{names[0]}: {error}\n")
        return {"error": names, "message": str(error)}


def do(kind: Kind, folder: str, settings: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Do a stage in its folder, or go on with it; writes its marker last.

    Args:
        kind: what to do.
        folder: the stage's own.
        settings: paths resolved.
        told: the stage's name for people, for the marker.

    Returns:
        What the marker says.

    Raises:
        SynthcptError: of the stage; running the experiment again goes on.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    output = place / OUTPUT[kind]
    started = time.monotonic()
    with (place / LOG).open("a", encoding="utf-8") as log, _written_to(log):
        facts = _WORK[kind](output, dict(settings))
    marker = {**told, "kind": kind, "seconds": round(time.monotonic() - started, 3), "facts": facts}
    write_text(place / MARKER, orjson.dumps(marker, option=orjson.OPT_INDENT_2).decode() + "\n")
    return marker


@contextlib.contextmanager
def _written_to(log: io.TextIOBase | Any) -> Any:
    """What a stage prints goes to its log, so that several at work do not talk at once."""
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            yield
    finally:
        root.removeHandler(handler)


def _world(output: Path, settings: dict[str, Any]) -> dict[str, Any]:
    from synthcpt.worlds import write_world

    world = write_world(output, **settings)
    return {"entities": len(world.entities), "documents": len(world.half("new"))}


def _generate(output: Path, settings: dict[str, Any]) -> dict[str, Any]:
    from synthcpt.generation import generate

    method, given = settings.pop("method"), settings.pop("input")
    run = generate(method, input=given, output=output, **settings)
    manifest = run.manifest
    totals = manifest["totals"]
    return {
        "method": method,
        "backend": manifest["backend"],
        "model": manifest["model"],
        "cost": manifest["cost"],
        "prompt_tokens": totals["prompt_tokens"],
        "completion_tokens": totals["completion_tokens"],
        "texts": totals["rows"],
        "rejected": totals.get("rejected", 0),
    }


def _curate(output: Path, settings: dict[str, Any]) -> dict[str, Any]:
    from synthcpt.curation import curate
    from synthcpt.generation import Run

    runs = settings.pop("runs")
    curate(runs, output, **settings)
    return {"texts": Run(output).manifest["totals"]["rows"]}


def _train(output: Path, settings: dict[str, Any]) -> dict[str, Any]:
    processes = int(settings.pop("processes", 1))
    if processes > 1:
        _train_on_several(output, settings, processes)
    else:
        from synthcpt.training import train

        train(**settings, output=output)
    from synthcpt.training.folder import read_finished

    finished = read_finished(output) or {}
    audit = finished.get("audit", {})
    return {"steps": finished.get("steps"), "trained_tokens": finished.get("tokens"), "audit": audit}


def _train_on_several(output: Path, settings: dict[str, Any], processes: int) -> None:
    config = output.parent / "train.yaml"
    write_text(config, yaml.safe_dump({**settings, "output": str(output)}, sort_keys=True))
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m",
        "synthcpt", "train", "--config", str(config), "--quiet",
    ]  # fmt: skip
    with (output.parent / LOG).open("a", encoding="utf-8") as log:
        code = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    if code:
        raise TrainingFailed(f"The training ended with code {code}; {output.parent / LOG} says why.")


def _evaluate(output: Path, settings: dict[str, Any]) -> dict[str, Any]:
    from synthcpt.evaluation import evaluate

    evaluate(**settings, output=output)
    facts: dict[str, Any] = orjson.loads((output / "evaluation.json").read_bytes())
    return {"scores": facts["scores"]}


_WORK: dict[Kind, Callable[[Path, dict[str, Any]], dict[str, Any]]] = {
    "world": _world,
    "student": _train,
    "generate": _generate,
    "curate": _curate,
    "train": _train,
    "evaluate": _evaluate,
}
