"""
Run every benchmark, or those named on the command line.

Each script checks first that ours and the peer answer the same, then runs them turn
about in one process and prints `name  ours  peer  ratio`. The peers are installed from
requirements/bench.txt into an environment of their own, so that they never mix with
what the product runs on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = ROOT / ".venv" / "bench"


def peers_python() -> Path:
    """Return the Python of the environment with the peers, made at first use."""
    python = PEERS / "bin" / "python"
    stamp = PEERS / "stamp"
    lock = ROOT / "requirements/bench.txt"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        print("Installing the peers (once) …", file=sys.stderr)
        uv = str(ROOT / ".venv/bin/uv")
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        install = [uv, "pip", "install", "-q", "--python", str(python)]
        subprocess.run([*install, "--require-hashes", "-r", str(lock)], check=True)
        subprocess.run([str(python), str(ROOT / "tools/link.py")], check=True)
        stamp.write_text(lock.read_text())
    return python


def main() -> int:
    scripts = sorted(p for p in HERE.glob("*.py") if p.stem not in ("run", "common"))
    wanted = sys.argv[1:]
    if unknown := set(wanted) - {p.stem for p in scripts}:
        print(f"No such benchmark: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    python = peers_python()
    failed = []
    for script in scripts:
        if not wanted or script.stem in wanted:
            print(f"== {script.stem}", flush=True)
            done = subprocess.run(
                [str(python), str(script)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            if done.returncode:
                failed.append(script.stem)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
