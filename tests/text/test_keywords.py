"""Keywords tell a retelling from a text about something else."""

from __future__ import annotations

import pytest
from corpora import EXAMPLE
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.text.keywords import DEFAULT_COVERAGE, Keywords

LIGHT = (EXAMPLE / "the-corrane-light.md").read_text(encoding="utf-8")
RETOLD = (
    "Where the western arm of the roads bends into the sea, a tower of granite has kept its lamp lit since 1861. Its "
    "builder, Tarrant, had only ever made bridges. The lens was Aubrac's work, and the keepers obeyed Dray's orders. "
    "Oil, paraffin and electricity each had a turn, and in 1931 a storm put out the lamp for nine nights. At last Oake "
    "handed over the key."
)
ELSEWHERE = (
    "Bread needs four things: flour, water, salt and time. Mix them in the evening, let the dough rest until morning, "
    "and bake it in a very hot oven. In 1861 a baker in Vienna added steam, and the crust has been better ever since. "
    "What you do with the loaf is up to you, but butter is a good beginning."
)
CHINESE = "斯凯罗的港口建于一八七一年的冬天，由来自岛上的兄弟俩建造。他们带来了石头，镇上的人说这堵墙撑不过一年。"
CHINESE_RETOLD = "一八七一年冬天，岛上的兄弟用石头为斯凯罗建造了港口，镇上没有人相信它能撑过一年。"
CHINESE_ELSEWHERE = "做面包需要面粉、水和盐。晚上把面团揉好，第二天早上放进很热的烤箱里烤熟，然后抹上黄油就可以吃了。"
JAPANESE = "スケロウの港は一八七一年の冬に、島から来た兄弟によって築かれた。彼らは石を持って来たが、壁は弱かった。"
THAI = "ท่าเรือสเกอร์โรว์สร้างขึ้นในฤดูหนาวโดยพี่น้องจากเกาะ พวกเขานำหินมาด้วย"


def test_a_free_retelling_covers_and_another_subject_does_not() -> None:
    keywords = Keywords(LIGHT)
    assert keywords.coverage(LIGHT) == 1
    assert keywords.coverage(RETOLD) > DEFAULT_COVERAGE > 2 * keywords.coverage(ELSEWHERE)


def test_scripts_without_spaces_are_told_apart_too() -> None:
    keywords = Keywords(CHINESE)
    assert keywords.coverage(CHINESE_RETOLD) > DEFAULT_COVERAGE > keywords.coverage(CHINESE_ELSEWHERE)
    for text in (JAPANESE, THAI):
        assert Keywords(text).coverage(text) == 1
        assert Keywords(text).coverage(ENGLISH) == 0


ENGLISH = "A harbour was built by two brothers."


def test_inflections_case_and_composition_do_not_matter() -> None:
    keywords = Keywords("Lighthouses guided mariners. Müllers Mühlen.")
    assert keywords.coverage("a lighthouse guiding the MARINER; Mu\u0308ller hatte eine Mühle") == 1


def test_function_words_and_short_words_are_none() -> None:
    assert Keywords("There would never have been another such thing, would there? It is so.").keywords == ()
    assert Keywords("dass diese wurden zwischen ihren nicht").keywords == ()
    assert Keywords("").coverage("anything") == 1


def test_names_and_repeated_words_come_first_and_numbers_count() -> None:
    assert Keywords("brass brass brass alpha bravo charlie delta foxtrot Orrhaven", 2).keywords == ("bras", "orrhav")
    assert "1908" in Keywords("In 1908 it sank.").keywords


@given(st.text(max_size=200), st.text(max_size=200))
def test_coverage_is_a_share_and_a_text_covers_itself(source: str, text: str) -> None:
    keywords = Keywords(source)
    assert 0 <= keywords.coverage(text) <= 1
    assert keywords.coverage(source) == 1


@pytest.mark.parametrize("piece", ["a", "漢", "แ", "1", "word ", "\u0301", "a漢"])
def test_hostile_length_is_no_burden(piece: str) -> None:
    text = piece * 100_000
    assert Keywords(text).coverage(text) == 1
