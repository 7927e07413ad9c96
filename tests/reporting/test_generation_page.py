"""The page about a generation run, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chromium import Tab
from hostile import HOSTILE
from journalled_runs import begin_run, dropped, fill, finish_run, journal_of, text

from synthcpt.errors import UserError
from synthcpt.reporting.generation_page import generation_page
from synthcpt.reporting.repeating import command_of
from synthcpt.reporting.write import write_report

SOURCE = (
    "The Bull at Corrane Head was heard on 1 December 1899 by Anders Quillan. The keepers slept. "
    "It was the Wardens' own. "
    "Captain Yrsa Colm told the Wardens so, who read The Packet."
)


def pair(number: int, first: str, second: str, body: str) -> object:
    meta = {"step": "pair", "entities": [{"name": first}, {"name": second}]}
    return text("one", f"pair-{number}", body, number, meta=meta)


def example(folder: Path) -> Path:
    begin_run(folder, method="entigraph")
    journal = journal_of(folder)
    rows = [
        pair(1, "Bull", "Anders Quillan", "Anders Quillan heard the Bull in 1899. Nobody from Oslo did. The end."),
        pair(2, "Bull", "Wardens", "The Wardens owned the Bull."),
        text("two", "a", "Question? Answer.", spans=((10, 17),), meta={"step": "qa", "span": [0, 6]}),
        dropped("two", "b", "I cannot help.", "refusal", detail="it declined", meta={"step": "qa"}),
    ]
    answers = [
        (0.0, "entigraph/entities", 500, 0, 80),
        (2.0, "entigraph/pair", 700, 100, 300),
        (4.0, "entigraph/pair", 700, 0, 250),
    ]
    fill(journal, {"one": SOURCE, "two": "Second source. And more of it, too."}, rows, answers=answers)  # type: ignore[arg-type]
    journal.close()
    return folder


@pytest.fixture
def opened(tab: Tab, tmp_path: Path) -> Tab:
    """The example's page."""
    tab.open(write_report(example(tmp_path / "run"), tmp_path / "page.html").as_uri())
    return tab


def shown(tab: Tab, selector: str) -> str:
    return str(tab.run(f"document.querySelector({json.dumps(selector)}).innerText"))


def rows(tab: Tab) -> list[str]:
    return list(tab.run("[...document.querySelectorAll('.row .first')].map((one) => one.innerText)"))


def test_the_summary_has_the_runs_figures(opened: Tab) -> None:
    facts = dict(
        opened.run(
            "[...document.querySelectorAll('.fact')].map("
            "(one) => [...one.children].slice(0, 2).map((each) => each.innerText))"
        )
    )
    assert (facts["Documents"], facts["Texts"], facts["Calls"], facts["Dropped"]) == ("2", "3", "3", "1")
    assert (facts["Tokens in"], facts["Tokens out"]) == ("1.9k", "630")
    assert "Not finished: 2 of 2 documents are done" in shown(opened, "#summary")
    assert opened.complaints == []


def test_every_figure_has_its_section(opened: Tab) -> None:
    titles = opened.run("[...document.querySelectorAll('h2')].map((one) => one.innerText)")
    assert titles == [
        "Summary", "Texts", "Entity graph", "Speed and cost", "Sizes", "Left out", "Calls", "Documents", "Configuration"
    ]  # fmt: skip
    assert opened.run("document.querySelectorAll('#bar nav a').length") == len(titles)
    assert "the model declined" in shown(opened, "#left-out")
    assert "entigraph/pair" in shown(opened, "#calls")


def test_search_finds_all_words_in_any_order_and_marks_them(opened: Tab) -> None:
    opened.press("/")
    assert opened.run("document.activeElement.id") == "browser-query"
    opened.type("bull 1899")
    opened.until("document.querySelectorAll('.row').length === 1")
    assert shown(opened, "#browser-found") == "1 of 4"
    hits = opened.run("[...document.querySelectorAll('#browser-text .hit')].map((one) => one.innerText)")
    assert hits == ["Bull", "1899"]
    opened.press("Escape")
    opened.until("document.querySelectorAll('.row').length === 4")
    opened.type('"the end"')
    opened.until("document.querySelectorAll('.row').length === 1")
    opened.press("Escape")
    opened.type("nothing like that")
    opened.until("document.querySelectorAll('.row').length === 0")
    assert "No text is like that" in shown(opened, "#browser-list")
    assert opened.complaints == []


def test_filters_keep_to_kind_document_and_verdict(opened: Tab) -> None:
    def pick(name: str, label: str) -> None:
        opened.run(
            f"(() => {{ const s = document.getElementById('browser-{name}'); s.value = [...s.options].find((o) => "
            f"o.text.startsWith({json.dumps(label)})).value; s.dispatchEvent(new Event('change')); }})()"
        )

    pick("state", "dropped: refusal")
    assert rows(opened) == ["I cannot help."]
    assert "Dropped: refusal (it declined)" in shown(opened, "#browser-head")
    pick("state", "Kept")
    pick("step", "pair")
    assert rows(opened) == ["Bull × Anders Quillan", "Bull × Wardens"]
    pick("source", "Two")
    assert rows(opened) == []


def test_keys_move_through_the_texts(opened: Tab) -> None:
    heads = []
    for key in ("j", "j", "j", "j", "k"):
        opened.press(key)
        heads.append(shown(opened, "#browser-head .id"))
    assert heads == ["one/rephrase/pair-2", "two/rephrase/a", "two/rephrase/b", "two/rephrase/b", "two/rephrase/a"]
    assert opened.run("document.querySelectorAll('.row[aria-selected=true]').length") == 1
    opened.click("#browser-list")
    opened.press("ArrowUp")
    opened.press("ArrowUp")
    assert shown(opened, "#browser-head .id") == "one/rephrase/pair-1" or rows(opened)


def test_loss_and_origin_are_marked(opened: Tab) -> None:
    opened.press("j")
    opened.press("j")
    assert shown(opened, "#browser-text .loss") == "Answer."
    assert shown(opened, "#browser-original .origin") == "Second"
    assert "loss on the marked part" in shown(opened, "#browser-head")


def test_names_of_both_are_emphasised_and_found(opened: Tab) -> None:
    names = opened.run("[...document.querySelectorAll('#browser-text .shared')].map((one) => one.innerText)")
    assert names == ["Anders Quillan", "Bull", "1899"]  # neither Oslo, which is not in the source, nor the word The
    opened.click("#browser-text .shared")
    opened.until("document.querySelector('#browser-original .flash')?.innerText === 'Anders Quillan'")


def test_the_graph_leads_to_the_texts_about_a_pair(opened: Tab) -> None:
    assert opened.run("[...document.querySelectorAll('#graph .node text')].map((one) => one.textContent).sort()") == [
        "Anders Quillan", "Bull", "Wardens"
    ]  # fmt: skip
    assert opened.run("document.querySelectorAll('#graph .edge').length") == 2
    opened.run("document.getElementById('graph').scrollIntoView({behavior: 'instant'})")
    name = "[...document.querySelectorAll('#graph .node')].find((one) => one.textContent === '{}').id = '{}'"
    opened.run(name.format("Bull", "bull"))
    opened.run(name.format("Wardens", "wardens"))
    opened.click("#bull circle")
    opened.until("document.querySelector('#graph-panel h3').innerText === 'Bull'")
    opened.click("#wardens circle")
    opened.until("document.querySelector('#graph-panel h3').innerText.includes(' and ')")
    opened.click("#graph-panel li button")
    opened.until("!document.getElementById('browser-about').hidden")
    assert rows(opened) == ["Bull × Wardens"]
    assert shown(opened, "#browser-text") == "The Wardens owned the Bull."
    opened.click("#browser-about")
    opened.until("document.querySelectorAll('.row').length === 4")
    assert opened.complaints == []


def test_the_graph_is_drawn_the_same_each_time_and_zooms(opened: Tab) -> None:
    place = "document.querySelector('#graph .edge').getAttribute('x1')"
    before, matrix = (
        opened.run(place),
        opened.run("document.querySelector('#graph-drawing g').getAttribute('transform')"),
    )
    opened.click("#graph-in")
    opened.until(f"document.querySelector('#graph-drawing g').getAttribute('transform') !== {json.dumps(matrix)}")
    opened.run("location.reload()")
    opened.until("document.readyState === 'complete' && document.querySelector('#graph .edge') !== null")
    assert opened.run(place) == before


@pytest.mark.parametrize("width", [1280, 390, 360])
def test_nothing_is_wider_than_the_screen(tab: Tab, tmp_path: Path, width: int) -> None:
    tab.open(write_report(example(tmp_path / "run"), tmp_path / "page.html").as_uri(), width=width)
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.complaints == []


def test_hostile_texts_are_shown_as_text(tab: Tab, tmp_path: Path) -> None:
    folder = begin_run(tmp_path / "run", model="<script>alert(1)</script>", input=["</script><b>"], backend="<i>")
    journal = journal_of(folder)
    bodies = [*(body.replace("\x00", "") for body in HOSTILE), "x" * 1_000_000, "a\x00b", "\u05d0" * 3000]
    texts = [
        text("</script><img src=x onerror=window.pwned=1>", f"<b>{i}</b>", body, i, spans=((0, 1),),
             meta={"step": body[:40], "entities": [{"name": body[:50]}, {"name": "<img src=x>"}]})
        for i, body in enumerate(bodies)
    ]  # fmt: skip
    texts.append(
        dropped("</script><img src=x onerror=window.pwned=1>", "r", "r", "<u>reason</u>", 900, detail="</script>")
    )  # type: ignore[arg-type]
    fill(
        journal,
        {"</script><img src=x onerror=window.pwned=1>": " ".join(bodies[:-3])},
        texts,
        answers=[(0, "</script>", 1, 0, 1), (9, "<b>", 1, 0, 1)],
    )
    journal.close()
    tab.open(write_report(folder, tmp_path / "page.html").as_uri(), width=390)
    assert tab.run("document.querySelectorAll('script').length") == 3  # two of data, one of ours
    for _ in bodies:
        tab.press("j")
        tab.run("new Promise((done) => requestAnimationFrame(done))")
    assert tab.run("window.pwned === undefined")
    assert tab.run("document.querySelectorAll('main img, main u, main i, main .prose script').length") == 0
    assert tab.run("document.documentElement.scrollWidth") <= 390
    tab.press("/")
    tab.type("a b")
    tab.run(
        "(() => { const query = document.getElementById('browser-query'); query.value = 'a\\0b'; "
        "query.dispatchEvent(new Event('input')); })()"
    )
    tab.until("document.querySelectorAll('.row').length === 1")
    assert shown(tab, "#browser-text") == "a\u2400b"
    assert tab.complaints == []


def test_embedded_and_simulated_backends_are_named(tmp_path: Path) -> None:
    for backend in ("extractive", "mock", "simulated"):
        folder = begin_run(tmp_path / backend, backend=backend)
        assert "No language model wrote these texts" in generation_page(folder)
    assert "No language model wrote" not in generation_page(begin_run(tmp_path / "vllm", backend="vllm"))


def test_a_finished_run_lists_its_shards_and_is_not_called_unfinished(tmp_path: Path) -> None:
    folder = example(tmp_path / "run")
    assert "Not finished" in generation_page(folder)
    finish_run(folder)
    made = generation_page(folder)
    assert "Not finished" not in made
    assert "train-00000-of-00001.parquet" in made


def test_a_run_without_anything_yet_has_a_page(tab: Tab, tmp_path: Path) -> None:
    tab.open(write_report(begin_run(tmp_path / "run"), tmp_path / "page.html").as_uri())
    assert "Nothing has been answered yet" in shown(tab, "#summary")
    assert tab.complaints == []


def test_equal_runs_give_equal_pages(tmp_path: Path) -> None:
    folder = example(tmp_path / "run")
    assert generation_page(folder) == generation_page(folder)


def test_the_command_repeats_what_differs_from_the_defaults() -> None:
    settings = {
        "method": "entigraph", "input": ["my books"], "backend": "openai", "model": "m", "base_url": "http://h/v1",
        "options": {"max_entities": 12, "max_pairs": None}, "backend_options": {}, "sampling": {"temperature": 0.5},
        "truncation": "drop", "seed": 3, "parts": 1, "limit": None, "prices": {"in": 1.5, "cached": 1.5, "out": 6.0},
    }  # fmt: skip
    assert command_of(settings, Path("out")).split(" \\\n  ") == [
        "synthcpt generate --method entigraph", "--input 'my books'", "--backend openai", "--model m",
        "--base-url http://h/v1", "--set max_entities=12", "--truncation drop", "--seed 3", "--temperature 0.5",
        "--price-in 1.5", "--price-cached 1.5", "--price-out 6", "--output out",
    ]  # fmt: skip


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.yaml"):
        generation_page(tmp_path)
