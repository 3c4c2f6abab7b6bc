"""
Make this checkout importable in its .venv, with its two commands.

An editable install would do the same, but leaves a folder in the checkout and needs
a build tool from the network.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {"trygg": "trygg.__main__", "tryggstat": "tryggstat.cli"}


def main() -> None:
    site_packages = Path(sysconfig.get_path("purelib"))
    (site_packages / "trygg-checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    for command, module in COMMANDS.items():
        script = Path(sysconfig.get_path("scripts")) / command
        script.write_text(
            f"#!{sys.executable}\n"
            f"import sys\nfrom {module} import main\nsys.exit(main())\n",
            encoding="utf-8",
        )
        script.chmod(0o755)


if __name__ == "__main__":
    main()
