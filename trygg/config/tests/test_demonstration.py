"""`trygg demo` builds beside what is served, and leaves nothing half-made."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from trygg.config import demonstration


def demo(home, *arguments):
    """Run `trygg demo` in a process of its own with its home elsewhere."""
    script = (
        "import sys; from pathlib import Path;"
        "from trygg.config import demonstration;"
        f"demonstration.HOME = demonstration.ROOT = Path({str(home)!r});"
        f"sys.argv = ['trygg', 'demo', *{arguments!r}];"
        "from trygg.__main__ import main; main()"
    )
    environment = {k: v for k, v in os.environ.items() if "TRYGG" not in k}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def home(tmp_path):
    (tmp_path / "trygg.sqlite3").write_text("the former demonstration")
    return tmp_path


def test_a_port_that_is_taken_is_named_before_any_work(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not demonstration.port_is_free(port)
        done = demo(home, "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert (home / "trygg.sqlite3").read_text() == "the former demonstration"
    assert sorted(p.name for p in home.iterdir()) == ["secret", "trygg.sqlite3"]


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    monkeypatch.setattr(demonstration, "HOME", tmp_path)
    (tmp_path / "trygg.sqlite3").write_text("the former demonstration")
    return tmp_path


def test_an_interrupted_build_leaves_the_former_one_and_no_folder(at_home):
    def interrupted():
        with demonstration.building():
            (demonstration.workshop() / "trygg.sqlite3").write_text("half-made")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [p.name for p in at_home.iterdir()] == ["trygg.sqlite3"]
    assert (at_home / "trygg.sqlite3").read_text() == "the former demonstration"


def test_what_a_killed_build_left_is_swept_away_by_the_next(at_home):
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    (at_home / f"building-{finished.pid}").mkdir()
    with pytest.raises(RuntimeError), demonstration.building():
        raise RuntimeError
    assert [p.name for p in at_home.iterdir()] == ["trygg.sqlite3"]


def test_the_fictional_municipality_goes_the_whole_way(tmp_path):
    done = demo(tmp_path, "--no-serve", "--municipality", "9999")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["municipality"] == "9999"
    assert summary["data"] == "fictional"
    assert summary["survey"]["synthetic"] is True
    assert 0.3 < summary["survey"]["response_rate"] < 0.5
    assert summary["estimates"] > 1000
    assert summary["suppressed"] > 0
    assert set(summary["seconds"]) == {
        "install",
        "load",
        "survey",
        "estimate",
        "compass",
        "picture",
        "total",
    }
    for path in summary["picture"].values():
        assert (tmp_path / path).stat().st_size > 1000
    assert not list(tmp_path.glob("building-*"))
