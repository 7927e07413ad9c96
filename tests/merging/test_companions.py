"""What lies beside the merged weights: tokenizer, chat template, card, and how to do it again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from small_models import VOCABULARY_SIZE, copied, edit_json, load, logits, state, write_model, write_tokenizer

from synthcpt.errors import ModelError
from synthcpt.merging import merge

WORDS = [f"w{number}" for number in range(VOCABULARY_SIZE - 8)]


def facts(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "merge.json").read_text())
    return content


@pytest.fixture
def instruct(llamas: list[Path], tmp_path: Path) -> Path:
    """A model that chats."""
    folder = copied(llamas[1], tmp_path / "instruct")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    edit_json(folder / "generation_config.json", eos_token_id=[1, 40], temperature=0.6, do_sample=True)
    edit_json(folder / "config.json", eos_token_id=40)
    edit_json(folder / "tokenizer_config.json", eos_token="<end>")
    return folder


def test_configuration_and_tokenizer_are_the_firsts(llamas: list[Path], instruct: Path, tmp_path: Path) -> None:
    merge("linear", [llamas[0], instruct], tmp_path / "out")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (tmp_path / "out" / name).read_bytes() == (llamas[0] / name).read_bytes()
    assert json.loads((tmp_path / "out" / "config.json").read_text()) == json.loads(
        (llamas[0] / "config.json").read_text()
    )
    assert not (tmp_path / "out" / "chat_template.jinja").exists()


def test_the_residual_talks_as_the_instruct_model_does(llamas: list[Path], instruct: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, GenerationConfig

    merge("residual", [llamas[0], instruct], tmp_path / "out", base=llamas[2])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.chat_template == "{{ messages }}"
    assert tokenizer.eos_token == "<end>"
    assert GenerationConfig.from_pretrained(tmp_path / "out").eos_token_id == [1, 40]
    assert load(tmp_path / "out").config.eos_token_id == 40


def test_special_tokens_that_the_instruct_model_renamed_go_over(
    llamas: list[Path], instruct: Path, tmp_path: Path
) -> None:
    """Llama 3's base has placeholders where its instruct model has the turns of a chat."""
    from transformers import AutoTokenizer

    write_tokenizer(instruct, WORDS, added=("<turn>",))
    merged = merge("residual", [llamas[0], instruct], tmp_path / "out", base=llamas[2])
    assert AutoTokenizer.from_pretrained(tmp_path / "out").convert_tokens_to_ids("<turn>") == len(WORDS)
    assert merged.notes[-1] == f"Tokenizer, chat template and settings of generation are those of {instruct}."


def test_a_residual_on_a_grown_vocabulary(llamas: list[Path], instruct: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    grown = write_model(tmp_path / "grown", "llama", 7, vocab_size=VOCABULARY_SIZE + 8)
    write_tokenizer(grown, WORDS, added=("<end>", "<new>"))
    merged = merge("residual", [grown, instruct], tmp_path / "out", base=llamas[2], options={"lambda": 0.5})
    assert any(f"lm_head.weight has {VOCABULARY_SIZE + 8} rows" in note for note in merged.notes)
    before, after, chat, base = state(grown), state(tmp_path / "out"), state(instruct), state(llamas[2])
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        assert torch.equal(after[name][VOCABULARY_SIZE:], before[name][VOCABULARY_SIZE:])
        expected = before[name][:VOCABULARY_SIZE] + 0.5 * (chat[name] - base[name])
        torch.testing.assert_close(after[name][:VOCABULARY_SIZE], expected)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.convert_tokens_to_ids("<new>") == len(WORDS) + 1
    assert "the tokenizer is the trained model's" in " ".join(merged.notes)
    assert tokenizer.chat_template == "{{ messages }}"


def test_one_row_cannot_be_two_new_tokens(llamas: list[Path], instruct: Path, tmp_path: Path) -> None:
    trained = copied(llamas[0], tmp_path / "trained")
    write_tokenizer(trained, WORDS, added=("<end>", "<domain>"))
    write_tokenizer(instruct, WORDS, added=("<end>", "<turn>"))
    with pytest.raises(ModelError, match=r"Token 41 was added twice.*'<domain>'.*'<turn>'"):
        merge("residual", [trained, instruct], tmp_path / "out", base=llamas[2])


def test_a_trainings_folder_stands_for_its_model(llamas: list[Path], tmp_path: Path) -> None:
    copied(llamas[0], tmp_path / "training" / "model")
    merge("linear", [tmp_path / "training", llamas[1]], tmp_path / "out")
    name = "model.norm.weight"
    torch.testing.assert_close(state(tmp_path / "out")[name], (state(llamas[0])[name] + state(llamas[1])[name]) / 2)


def test_old_files_name_tensors_without_the_inner_model_and_carry_masks(tmp_path: Path) -> None:
    """As the first GPT-2 on the Hub does."""
    from safetensors.torch import load_file, save_file

    new, old = (write_model(tmp_path / name, "gpt2", seed) for seed, name in enumerate(("new", "old")))
    tensors = {n.removeprefix("transformer."): t for n, t in load_file(old / "model.safetensors").items()}
    expected = {name: tensor / 2 for name, tensor in state(old).items()}
    save_file(tensors | {"h.0.attn.bias": torch.ones(1, 1, 4, 4)}, old / "model.safetensors", metadata={"format": "pt"})
    for order in ([new, old], [old, new]):
        output = tmp_path / f"first-{order[0].name}"
        merge("linear", order, output)
        for name, tensor in state(output).items():
            torch.testing.assert_close(tensor, expected[name] + state(new)[name] / 2)


def test_an_output_layer_written_twice_over_is_tied_all_the_same(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    plain, twice = (write_model(tmp_path / str(seed), "qwen3", seed) for seed in range(2))
    tensors = load_file(twice / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, twice / "model.safetensors", metadata={"format": "pt"})
    merge("linear", [plain, twice], tmp_path / "a")
    merge("linear", [twice, plain], tmp_path / "b")
    assert torch.equal(logits(load(tmp_path / "a")), logits(load(tmp_path / "b")))


def test_what_is_noted_repeats_the_merge(llamas: list[Path], tmp_path: Path) -> None:
    first = merge("ties", llamas[:2], tmp_path / "one", base=llamas[2], weights=[1, 2], options={"density": 0.3})
    noted = facts(first.output)
    again = {key: noted[key] for key in ("method", "models", "base", "weights", "options", "dtype")}
    merge(output=tmp_path / "two", **again)
    for name in ("model.safetensors", "merge.json", "README.md"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_card_says_what_was_merged_and_shows_no_markup_of_names(llamas: list[Path], tmp_path: Path) -> None:
    odd = copied(llamas[0], tmp_path / "a`b|c <img src=x>\n# top")
    merge("linear", [odd, llamas[1]], tmp_path / "out", weights=[0.75, 0.25])
    card = (tmp_path / "out" / "README.md").read_text()
    _, header, body = card.split("---\n", 2)
    assert yaml.safe_load(header)["tags"] == ["merge", "synthcpt", "linear"]
    assert "arXiv:2203.05482" in body
    assert "c <img src=x> # top ``, weight 0.75\n" in body
    assert "\n# top" not in body
    command = next(line for line in body.splitlines() if "synthcpt merge" in line).strip()
    assert shlex.split(command)[:3] == ["synthcpt", "merge", "linear"]


def test_models_of_the_hub_are_in_the_cards_header() -> None:
    from synthcpt.merging.card import model_card
    from synthcpt.merging.recipe import make_recipe

    recipe = make_recipe("residual", ["runs/mine/model", "Qwen/Qwen3-8B"], base="Qwen/Qwen3-8B-Base")
    header = yaml.safe_load(model_card(recipe, []).split("---\n")[1])
    assert header["base_model"] == ["Qwen/Qwen3-8B", "Qwen/Qwen3-8B-Base"]
    assert header["base_model_relation"] == "merge"
