"""
Ask the package index for known faults in what the lock files pin.

Where the index does not answer such questions (a mirror, no network), that is said
loudly and is no fault of the code; a known fault fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip_audit",
            "--requirement",
            str(ROOT / "requirements/base.txt"),
            "--disable-pip",
            "--require-hashes",
            "--format",
            "json",
            "--progress-spinner",
            "off",
        ],
        capture_output=True,
        text=True,
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print("AUDIT NOT MADE: the package index could not be asked.", file=sys.stderr)
        print(done.stderr[-2000:], file=sys.stderr)
        return 0
    faults = [(p["name"], v["id"]) for p in packages for v in p.get("vulns", [])]
    unknown = [p["name"] for p in packages if "skip_reason" in p]
    for name, fault in faults:
        print(f"{name}: {fault}", file=sys.stderr)
    if unknown:
        print(
            f"AUDIT NOT MADE for {len(unknown)} of {len(packages)} packages: "
            "the package index here does not answer.",
            file=sys.stderr,
        )
    print(f"audit: {len(packages) - len(unknown)} packages, {len(faults)} known faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
