"""FLOPs a token and the peaks of devices, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from synthcpt.training.flops import dense_peak_flops, flops_per_token, mean_attended_tokens


def test_full_training_costs_six_a_parameter_and_attention() -> None:
    flops = flops_per_token(trained=1_000_000_000, layers=16, attention_width=2048, attended_tokens=310)
    assert flops.per_token == 6_000_000_000 + 121_896_960
    assert flops.formula == "6 x 1B + 12 x 16 x 2048 x 310 = 6.12e9 FLOPs a token"


def test_lora_costs_four_a_frozen_parameter_and_six_an_adapters() -> None:
    flops = flops_per_token(
        frozen=8_000_000_000, trained=80_000_000, layers=32, attention_width=4096, attended_tokens=100
    )
    assert flops.per_token == 32_000_000_000 + 480_000_000 + 157_286_400
    assert flops.formula == "4 x 8B + 6 x 80M + 12 x 32 x 4096 x 100 = 3.26e10 FLOPs a token"


def test_the_formula_names_the_peak_or_says_that_there_is_none() -> None:
    flops = flops_per_token(trained=1_000, layers=1, attention_width=8, attended_tokens=10)
    assert flops.told(989e12, "bf16").endswith("= 6.96e3 FLOPs a token; peak 989e12 a device (dense bf16)")
    assert "no MFU" in flops.told(None, "fp32")


def test_attended_tokens_are_a_mean_over_tokens_not_over_texts() -> None:
    assert mean_attended_tokens([100, 300]) == pytest.approx((100 * 100 + 300 * 300) / 400)
    assert mean_attended_tokens([]) == 0.0


@pytest.mark.parametrize(
    ("name", "dtype", "peak"),
    [
        ("NVIDIA A100-SXM4-80GB", "bf16", 312e12),
        ("NVIDIA A100-SXM4-80GB", "tf32", 156e12),
        ("NVIDIA H100 80GB HBM3", "bf16", 989e12),
        ("NVIDIA H100 PCIe", "bf16", 756e12),
        ("NVIDIA H100 NVL", "bf16", 835e12),
        ("NVIDIA H200", "bf16", 989e12),
        ("NVIDIA GH200 480GB", "bf16", 989e12),
        ("NVIDIA H20", "bf16", 148e12),
        ("NVIDIA B200", "bf16", 2250e12),
        ("NVIDIA GB200", "bf16", 2500e12),
        ("NVIDIA L40S", "bf16", 362e12),
        ("NVIDIA L40", "bf16", 181e12),
        ("NVIDIA L4", "bf16", 121e12),
        ("NVIDIA A10", "bf16", 125e12),
        ("NVIDIA A10G", "bf16", 70e12),
        ("NVIDIA GeForce RTX 3090", "bf16", 71e12),
        ("NVIDIA GeForce RTX 4090", "bf16", 165.2e12),
        ("NVIDIA GeForce RTX 5090", "bf16", 209.5e12),
        ("Tesla V100-SXM2-32GB", "fp16", 125e12),
        ("Tesla V100-PCIE-16GB", "fp16", 112e12),
        ("Tesla T4", "fp16", 65e12),
        ("AMD Instinct MI250X", "bf16", 191.5e12),
        ("AMD Instinct MI300X", "bf16", 1307.4e12),
        ("Tesla V100-SXM2-32GB", "bf16", None),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "bf16", None),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bf16", None),
        ("NVIDIA A1000", "bf16", None),
        ("cpu", "fp32", None),
    ],
)
def test_peaks_are_dense_and_unknown_devices_have_none(name: str, dtype: str, peak: float | None) -> None:
    assert dense_peak_flops(name, dtype) == peak
