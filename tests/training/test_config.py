"""Settings: recipes, files, and mistakes that are one sentence each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthcpt.errors import ConfigError, RunLocked, RunMismatch, UserError
from synthcpt.training import folder as places
from synthcpt.training.config import RECIPES, make_train_config, read_train_file

BASE: dict[str, Any] = {"model": "m", "data": "runs/a", "output": "out"}


def test_recipes_fill_in_and_values_win() -> None:
    assert make_train_config(BASE).epochs == 2
    assert make_train_config({**BASE, "recipe": "lora"}).lora_rank == 128
    assert make_train_config({**BASE, "recipe": "lora", "lora_rank": 8}).lora_rank == 8
    smoke = make_train_config({"data": "runs/a", "output": "out", "recipe": "smoke"})
    assert smoke.model == "tiny"
    assert make_train_config({**BASE, "tokens": "1.5B"}).tokens == 1_500_000_000
    assert make_train_config({**BASE, "tokens": "1B"}).epochs is None, "a budget takes the place of passes"
    assert make_train_config({**BASE, "lr": "1e-5"}).lr == 1e-5
    assert set(RECIPES) == {"full", "lora", "smoke"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"tokens": 5, "epochs": 1}, "--tokens or --epochs, not both"),
        ({"learning_rate": 1}, "Unknown 'learning_rate'"),
        ({"lrr": 1}, "Did you mean 'lr'"),
        ({"recipe": "fulll"}, "Did you mean 'full'"),
        ({"replay_ratio": 0.1}, "needs replay texts"),
        ({"replay_ratio": 1.5, "replay": "r"}, "'replay_ratio'"),
        ({"batch_tokens": 100}, "holds no window of 4,096"),
        ({"order": "grouped"}, "order=grouped needs packing=concat"),
        ({"data": []}, "nothing to train on"),
        ({"schedule": "cosin"}, "'schedule'"),
        ({"tokens": "many"}, "no number of tokens"),
        ({"phases": [{"nam": "x"}]}, "phases"),
        ({"phases": [{"begin": 0.1}]}, "phases.0.name"),
    ],
)
def test_mistakes_are_told_in_a_sentence(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        make_train_config({**BASE, **values})
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_phase_must_begin_somewhere() -> None:
    config = make_train_config({**BASE, "phases": [{"name": "x"}]})
    with pytest.raises(ConfigError, match="'x' must begin somewhere"):
        config.amounts()


def test_files_are_read_and_their_keys_checked(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("lr: 1e-5\ndata: [a, b]\n")
    assert make_train_config({**read_train_file(file), "model": "m", "output": "o"}).data == ("a", "b")
    for text, says in (("lrr: 1", "Did you mean 'lr'"), ("- a", "name: value"), ("a: [", "is not YAML")):
        file.write_text(text)
        with pytest.raises(ConfigError, match=says):
            read_train_file(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_train_file(tmp_path / "none.yaml")


def test_replay_has_a_ratio_of_its_own() -> None:
    assert make_train_config({**BASE, "replay": "r"}).amounts().replay_ratio == 0.1
    assert make_train_config({**BASE, "replay": "r", "replay_ratio": 0.25}).amounts().replay_ratio == 0.25
    assert make_train_config(BASE).amounts().replay_ratio == 0


def test_a_folder_is_gone_on_with_only_under_the_same_settings(tmp_path: Path) -> None:
    config = make_train_config({**BASE, "output": tmp_path / "out"})
    places.begin(config, overwrite=False)
    (tmp_path / "out/checkpoints/step-00000001").mkdir(parents=True)
    places.begin(config, overwrite=False)
    cheaper = make_train_config({**BASE, "output": tmp_path / "out", "micro_tokens": 4096, "keep_checkpoints": 5})
    places.begin(cheaper, overwrite=False)
    other = make_train_config({**BASE, "output": tmp_path / "out", "lr": 3e-4})
    with pytest.raises(RunMismatch, match=r"lr: 1e-05 there, 0\.0003 now"):
        places.begin(other, overwrite=False)
    (tmp_path / "out" / "model-ema").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("the user's")
    places.begin(other, overwrite=True)
    assert not (tmp_path / "out" / "checkpoints").exists()
    assert not (tmp_path / "out" / "model-ema").exists(), "an average of the training that is gone"
    assert (tmp_path / "out" / "notes.txt").exists(), "what is not ours stays"
    assert (places.read_settings(tmp_path / "out") or {})["lr"] == 3e-4


def test_a_training_that_never_began_may_be_corrected(tmp_path: Path) -> None:
    out = tmp_path / "out"
    places.begin(make_train_config({**BASE, "output": out, "model": "mistyped"}), overwrite=False)
    (out / "checkpoints/.writing-step-00000001").mkdir(parents=True)
    right = make_train_config({**BASE, "output": out, "model": "right"})
    places.begin(right, overwrite=False)
    assert (places.read_settings(out) or {})["model"] == "right"
    assert not (out / "checkpoints").exists()
    for kept in ("model", "slices", "checkpoints/step-00000001"):
        (out / kept).mkdir(parents=True)
        with pytest.raises(RunMismatch, match="'right' there"):
            places.begin(make_train_config({**BASE, "output": out}), overwrite=False)
        (out / kept).rmdir()


def test_a_corpus_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("method: entigraph\n")
    with pytest.raises(UserError, match="holds a generated corpus"):
        places.begin(make_train_config({**BASE, "output": tmp_path}), overwrite=False)


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    with places.held(tmp_path), pytest.raises(RunLocked, match="is working on the training in"), places.held(tmp_path):
        pass
