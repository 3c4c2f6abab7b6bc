"""
The page of an area under load: granian on two workers, wrk on loopback.

Prints requests per second and the 50th and 95th percentile of the time to answer.
Needs wrk and a finished demonstration: `make demo SERVE=0`.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from urllib.request import Request, urlopen

from pages import ROOT, demonstration, own_python

FEWEST = 300  # requests per second on two cores
SECONDS = int(os.environ.get("SECONDS_OF_LOAD", "10"))
REPORT = """
done = function(summary, latency, requests)
  io.write(string.format("P50 %d P95 %d BAD %d\\n", latency:percentile(50),
    latency:percentile(95), summary.errors.status + summary.errors.timeout))
end
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_area(base: str) -> str:
    """Return the address of an area page, once the server answers."""
    for _attempt in range(100):
        try:
            sitemap = urlopen(f"{base}/sitemap.xml").read().decode()
        except OSError:
            time.sleep(0.1)
        else:
            return re.findall(r"<loc>([^<]+/omraden/[^<]+)</loc>", sitemap)[0]
    sys.exit("The server did not start.")


def main() -> int:
    wrk = shutil.which("wrk")
    if wrk is None:
        print("LOAD NOT MEASURED: wrk is not installed.", file=sys.stderr)
        return 0
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "trygg", "serve", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        page = first_area(base)
        answer = urlopen(Request(page, headers={"Accept-Encoding": "gzip"}))
        print(f"{page.removeprefix(base)}: {len(answer.read())} bytes compressed")
        script = ROOT / "var" / "wrk.lua"
        script.write_text(REPORT)
        command = [wrk, "-t1", "-c16", "-H", "Accept-Encoding: gzip", page]
        # both workers load their code at the first request: not what is measured
        subprocess.run([*command, "-d3s"], stdout=subprocess.DEVNULL, check=True)
        done = subprocess.run(
            [*command, f"-d{SECONDS}s", "-s", str(script)],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        server.terminate()
        server.wait()
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    middle, late, bad = map(
        int, re.search(r"P50 (\d+) P95 (\d+) BAD (\d+)", done.stdout).groups()
    )
    print("requests/s  p50 ms  p95 ms  failed")
    print(f"{rate:.0f}  {middle / 1000:.1f}  {late / 1000:.1f}  {bad}")
    return 1 if bad or rate < FEWEST else 0


if __name__ == "__main__":
    own_python()
    demonstration()
    sys.exit(main())
