"""Effectivity, retainability and decay against figures worked out by hand, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthcpt.errors import DataCorrupt, UserError
from synthcpt.evaluation.decay import decay_difference, fit_decay
from synthcpt.evaluation.fact_curves import (
    FactCurve,
    bin_of,
    decay_points,
    effectivities,
    retained,
    without_outliers,
)
from synthcpt.evaluation.retention import measure_retention, write_retention
from synthcpt.evaluation.retention_lines import retention_lines
from synthcpt.training.probe_log import ProbeLog
from synthcpt.training.probes import Probe


def curve(logprobs: Mapping[int, float], exposures: Sequence[int], cluster: str = "d") -> FactCurve:
    return FactCurve(
        np.array(list(logprobs), dtype=np.int64),
        np.array(list(logprobs.values())),
        np.array(exposures, dtype=np.int64),
        cluster,
    )


def test_effectivity_is_the_best_within_fifty_steps_less_before() -> None:
    told = {0: -9.0, 10: -8.0, 20: -7.5, 59: -6.0, 60: -1.0, 100: -7.0, 110: -5.0, 120: -6.5, 140: -6.9, 300: 0.0}
    # Step 10 shows after 10 steps: before is step 0; 10..59 count, 60 does not. Of 101: before is 100; 101..150 count.
    assert effectivities(curve(told, [10, 101])) == pytest.approx([3.0, 2.0])
    assert effectivities(curve(told, [10, 101]), within_steps=20) == [], "two measurements are too few"


def test_exposures_that_run_into_one_another_are_left_out() -> None:
    told = {step: -9.0 + step / 10 for step in range(0, 101, 10)}
    # So 12 has no measurement after it, and 15 none before it; 72 stands alone: from 70 (-2.0) to 100 (1.0).
    assert effectivities(curve(told, [12, 15, 72])) == pytest.approx([3.0])


def test_retainability_is_the_share_of_the_gain_that_is_left() -> None:
    told = {0: -10.0, 5: -8.0, 10: -6.0, 15: -4.0, 20: -5.0, 30: -7.0, 60: -10.0, 110: -11.5}
    t, shares = retained(curve(told, [3, 8]))
    # Before the first exposure -10; the peak after the last one -4, at step 15.
    assert t.tolist() == [5, 15, 45, 95]
    assert shares == pytest.approx([5 / 6, 3 / 6, 0.0, -1.5 / 6])


@pytest.mark.parametrize(
    ("told", "exposures"),
    [
        pytest.param({0: -5.0, 5: -4.0, 10: -4.5, 15: -4.6}, [], id="never read"),
        pytest.param({0: -5.0, 5: -5.0, 10: -5.5, 15: -5.6}, [3], id="nothing learnt"),
        pytest.param({0: -5.0, 5: -5.2, 10: -5.5, 15: -5.6}, [3], id="less known than before"),
        pytest.param({5: -5.0, 10: -4.0, 15: -4.5, 20: -4.6}, [3], id="nothing before"),
        pytest.param({0: -5.0, 30: -4.0, 60: -4.5, 90: -4.6}, [3], id="too sparse"),
    ],
)
def test_a_share_of_no_known_gain_is_not_told(told: dict[int, float], exposures: list[int]) -> None:
    t, shares = retained(curve(told, exposures))
    assert len(t) == len(shares) == 0


def test_outliers_lie_two_interquartile_ranges_beyond_the_quartiles() -> None:
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0])  # quartiles 1 and 3: from -3 to 7
    assert without_outliers(values).all()
    # With one more the quartiles of 0 1 2 3 4 x are 1.25 and 3.75: the edge is 8.75.
    assert without_outliers(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 8.74])).all()
    assert without_outliers(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 8.76])).tolist() == [True] * 5 + [False]


def test_stretches_of_time_are_eighths_of_a_decade() -> None:
    assert bin_of(np.array([1, 10, 100, 1000])).tolist() == [0, 8, 16, 24]
    assert bin_of(np.array([13, 14, 99])).tolist() == [8, 9, 15]


def decaying(cluster: str, constant: float, start: float = 1.0, last: int = 2000, every: int = 1) -> FactCurve:
    """A fact learnt in step 1, best right then, whose share falls by a constant every tenfold of steps."""
    told = {0: -10.0, 1: -5.0}
    for step in range(1 + every, last, every):
        told[step] = -10.0 + 5.0 * (start - constant * log10(step - 1))
    return curve(told, [1], cluster)


def test_the_decay_constant_is_the_slope_with_its_sign_turned() -> None:
    points = decay_points([decaying(f"d{i}", 0.2, 0.9) for i in range(6)])
    fit = fit_decay(points, resamples=200)
    assert fit.value == pytest.approx(0.2)
    assert (fit.low, fit.high) == (pytest.approx(0.2), pytest.approx(0.2))
    assert fit.share_after_one_step == pytest.approx(0.9)
    assert fit.forgotten_after_steps == pytest.approx(10**4.5)
    assert fit.r_squared == pytest.approx(1.0)
    assert fit.clusters == 6


def test_the_interval_comes_from_documents_and_not_from_measurements() -> None:
    rng = np.random.default_rng(5)
    constants = rng.normal(0.2, 0.05, 30)
    alone = fit_decay(decay_points([decaying(f"d{i}", c, every=5) for i, c in enumerate(constants)]), resamples=2000)
    assert alone.low < 0.2 < alone.high
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * 0.05 / 30**0.5, rel=0.35)
    shared = fit_decay(
        decay_points([decaying(f"d{i % 5}", c, every=5) for i, c in enumerate(constants)]), resamples=2000
    )
    assert shared.clusters == 5
    again = fit_decay(decay_points([decaying(f"d{i}", c, every=5) for i, c in enumerate(constants)]), resamples=2000)
    assert (again.low, again.high) == (alone.low, alone.high)
    twice = [decaying(f"d{i}", c, every=5) for i, c in enumerate(constants) for _ in range(2)]
    double = fit_decay(decay_points(twice), resamples=2000)
    assert double.high - double.low == pytest.approx(alone.high - alone.low, rel=0.1), "copies tell nothing new"


def test_groups_are_compared_by_their_decay() -> None:
    rng = np.random.default_rng(1)
    slow = decay_points([decaying(f"s{i}", c, every=5) for i, c in enumerate(rng.normal(0.15, 0.02, 12))])
    fast = decay_points([decaying(f"f{i}", c, every=5) for i, c in enumerate(rng.normal(0.25, 0.02, 12))])
    value, low, high = decay_difference(slow, fast, resamples=1000)
    assert low < value < high
    assert value == pytest.approx(fit_decay(fast).value - fit_decay(slow).value)
    assert low > 0
    none = decay_difference(slow, slow, resamples=100)
    assert none == pytest.approx((0.0, 0.0, 0.0)), "the same documents on both sides stay pairs"


def write_probes(
    folder: Path,
    curves: Mapping[str, FactCurve],
    every: int = 5,
    groups: Mapping[str, str] | None = None,
) -> Path:
    folder.mkdir()
    probes = [
        Probe(name, "The", " end", one.cluster, "odd" if name[-1] in "13579" else "even", (groups or {}).get(name, ""))
        for name, one in curves.items()
    ]
    exposures = {one.cluster: one.exposures.tolist() for one in curves.values()}
    log = ProbeLog(folder, probes, every, exposures, 0)
    steps = next(iter(curves.values())).steps.tolist()
    for at, step in enumerate(steps):
        log.write(step, step * 100, [float(one.logprobs[at]) for one in curves.values()])
    log.close()
    return folder


def test_a_training_is_measured_whole_and_by_kind_and_group(tmp_path: Path) -> None:
    curves = {f"p{i}": decaying(f"d{i}", 0.1 + 0.1 * (i % 2), every=5) for i in range(12)}
    folder = write_probes(
        tmp_path / "t", curves, groups={f"p{i}": "copies" if i % 2 else "rewrites" for i in range(12)}
    )
    found = write_retention(folder)
    assert json.loads((folder / "retention.json").read_text()) == found
    assert (found["probes"], found["documents"], found["measured_every_steps"]) == (12, 12, 5)
    assert found["effectivity"]["value"] == pytest.approx(5.0)
    assert (found["effectivity"]["n"], found["effectivity"]["exposures"]) == (12, 12)
    assert found["decay_constant"]["value"] == pytest.approx(0.15, abs=1e-5)
    assert found["by_kind"]["odd"]["decay_constant"]["value"] == pytest.approx(0.2, abs=1e-5)
    assert found["by_group"]["rewrites"]["decay_constant"]["value"] == pytest.approx(0.1, abs=1e-5)
    assert found["group_differences"]["rewrites less copies"]["value"] == pytest.approx(-0.1, abs=1e-5)
    assert set(found["retainability"]) == {"10_steps", "100_steps", "1000_steps"}
    t = [t for t in range(5, 2000, 5) if 100 <= t < 10 ** (17 / 8)]
    expected = 1 - 0.15 * np.mean([log10(one) for one in t])
    assert found["retainability"]["100_steps"]["value"] == pytest.approx(expected, abs=1e-5)
    assert ("facts probed", "12 of 12 documents") in retention_lines(found)
    assert "share lost, rewrites less copies" in dict(retention_lines(found))


def told(folder: Path) -> tuple[str, str]:
    found = measure_retention(folder)
    lines = dict(retention_lines(found))
    return lines["learnt by an exposure"], lines["share lost every tenfold of steps"]


def test_what_is_too_sparse_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    sparse = {f"p{i}": decaying(f"d{i}", 0.2, every=40) for i in range(8)}
    effectivity, decay = told(write_probes(tmp_path / "sparse", sparse, every=40))
    assert "measured every 40. Set probe_every=8 or so." in effectivity
    assert "Set probe_every=8" in decay

    crowded = {
        f"p{i}": curve({s: s / 10 for s in range(0, 50, 5)}, [2, 3, 8, 12, 18, 28, 38, 46], f"d{i}") for i in range(8)
    }
    effectivity, decay = told(write_probes(tmp_path / "crowded", crowded))
    assert "None of the exposures" in effectivity
    assert "before the document is read again" in effectivity
    assert "No fact has a known peak" in decay

    few = {f"p{i}": decaying(f"d{i % 2}", 0.2, every=5) for i in range(8)}
    effectivity, decay = told(write_probes(tmp_path / "few", few))
    assert "too few documents (2; 5 are needed)" in effectivity
    assert "Too few documents (2; 5 are needed)" in decay

    short = {f"p{i}": decaying(f"d{i}", 0.2, last=30, every=5) for i in range(8)}
    effectivity, decay = told(write_probes(tmp_path / "short", short))
    assert effectivity.startswith("5 [")
    assert "from 5 to 25 steps after their peak" in decay

    unread = {f"p{i}": curve({0: -5.0, 5: -4.0, 10: -4.0}, [], f"d{i}") for i in range(8)}
    effectivity, decay = told(folder := write_probes(tmp_path / "unread", unread))
    assert "Give each probe the id of its document" in effectivity
    assert decay == effectivity
    assert measure_retention(folder)["learnt"]["value"] == 1.0


def test_facts_that_are_never_read_are_a_control(tmp_path: Path) -> None:
    curves = {f"p{i}": decaying(f"d{i}", 0.2, every=5) for i in range(8)}
    steps = curves["p0"].steps.tolist()
    curves |= {f"c{i}": curve({step: -5.0 - step / 1000 for step in steps}, [], f"c{i}") for i in range(6)}
    found = measure_retention(write_probes(tmp_path / "t", curves))
    alone = measure_retention(write_probes(tmp_path / "alone", {f"p{i}": curves[f"p{i}"] for i in range(8)}))
    assert found["unread"]["value"] == pytest.approx(-steps[-1] / 1000)
    assert found["unread"]["n"] == 6
    for name in ("learnt", "effectivity", "decay_constant", "retainability"):
        assert found[name] == alone[name]
    # At the exposures of the others, in step 1: the best is step 1 or 6, the one before step 0.
    assert found["effectivity_by_chance"]["value"] == pytest.approx(-1 / 1000)
    assert "unread" not in alone
    assert "facts never read, in all" in dict(retention_lines(found))


def test_peaks_that_facts_never_read_have_too_are_chance(tmp_path: Path) -> None:
    """Curves of noise: the best of many is above the one before, whatever was read."""
    rng = np.random.default_rng(0)
    steps = range(0, 400, 5)
    curves = {
        f"p{i}": curve({step: float(rng.normal()) for step in steps}, [13, 113, 213] if i < 20 else [], f"d{i}")
        for i in range(40)
    }
    found = measure_retention(write_probes(tmp_path / "t", curves))
    assert found["effectivity"]["low"] > 1, "it seems to teach"
    assert found["effectivity_by_chance"]["value"] == pytest.approx(found["effectivity"]["value"], rel=0.25)
    assert "The peaks are mostly chance" in found["decay_constant"]["why"]
    assert "retainability" not in found


def test_a_folder_without_probes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Train with --probes FILE"):
        measure_retention(tmp_path)


def test_files_that_do_not_fit_one_another_are_refused(tmp_path: Path) -> None:
    folder = write_probes(tmp_path / "t", {"p0": decaying("d", 0.2, last=30)})
    row: dict[str, Any] = {"step": 40, "tokens": 1, "id": "other", "logprob": 0.0}
    with (folder / "probes.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    with pytest.raises(DataCorrupt, match=r"'other', which probes\.json does not name"):
        measure_retention(folder)
