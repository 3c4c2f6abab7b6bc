#!/bin/sh
# Make .venv and install what the lock files pin. A second run installs nothing.
#   tools/setup.sh base   what the platform runs on
#   tools/setup.sh dev    that, and what tests and checks need
set -eu
cd "$(dirname "$0")/.."
want="$1"
venv=.venv
rm -f "$venv/last-install"

say() { printf '%s\n' "$*" >&2; }

# A python3.x on the path may be a shim that cannot run: ask each one to.
find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
            >/dev/null 2>&1; then
            printf '%s' "$candidate"
            return
        fi
    done
    say "Trygg needs Python 3.11, 3.12 or 3.13: sudo apt install python3 python3-venv"
    exit 1
}

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "Python's venv module is missing: sudo apt install python3-venv"
        exit 1
    fi
    say "Making $venv with $("$python" --version) …"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

digest=$("$venv/bin/python" - <<'PY'
import hashlib, pathlib, sys
names = ["base", "dev", "tools"]
files = [pathlib.Path(f"requirements/{name}.txt") for name in names]
digest = hashlib.sha256(sys.version.encode())
for file in [*files, pathlib.Path("tools/link.py")]:
    digest.update(file.read_bytes())
print(digest.hexdigest())
PY
)
case "$(cat "$venv/stamp" 2>/dev/null)" in
"$digest dev" | "$digest $want") ;; # dev holds everything that base does
*)
    began=$(date +%s)
    say "Installing the locked packages (once; about half a minute) …"
    rm -f "$venv/stamp"
    # uv installs in parallel; plain pip does the same where uv cannot be had.
    if "$venv/bin/python" -m pip install -q --disable-pip-version-check \
        --require-hashes -r requirements/tools.txt 2>/dev/null; then
        "$venv/bin/uv" pip install -q --python "$venv/bin/python" \
            --require-hashes -r "requirements/$want.txt"
    else
        say "uv cannot be had here; plain pip takes a few minutes …"
        "$venv/bin/python" -m pip install -q --disable-pip-version-check \
            --require-hashes -r "requirements/$want.txt"
    fi
    "$venv/bin/python" tools/link.py
    echo "$digest $want" >"$venv/stamp"
    echo $(($(date +%s) - began)) >"$venv/last-install"
    ;;
esac
"$venv/bin/python" tools/messages.py
