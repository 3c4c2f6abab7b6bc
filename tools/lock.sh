#!/bin/sh
# Pin and hash everything. --universal: one file for all Pythons and platforms.
set -eu
compile() {
    .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --quiet "$@"
}
compile pyproject.toml -o requirements/base.txt
compile --extra dev --extra cluster pyproject.toml -o requirements/dev.txt
compile --extra bench pyproject.toml -o requirements/bench.txt
echo uv | compile - --no-annotate -o requirements/tools.txt
