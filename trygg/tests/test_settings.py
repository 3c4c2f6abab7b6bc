"""A bad setting stops the start, and says which one it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

GOOD = {
    "TRYGG_SECRET_KEY": "for-this-test",
    "TRYGG_DATABASE_URL": "sqlite:///var/never-opened.sqlite3",
}


def start(**settings):
    environment = {
        name: value for name, value in os.environ.items() if "TRYGG" not in name
    }
    return subprocess.run(
        [sys.executable, "-m", "trygg", "diffsettings"],
        env={**environment, **GOOD, **settings},
        capture_output=True,
        text=True,
    )


def test_good_settings_start():
    assert start().returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRYGG_SITE", "everything"),
        ("TRYGG_DEBUG", "perhaps"),
        ("TRYGG_DATABASE_URL", "mysql://somewhere"),
    ],
)
def test_a_bad_value_stops_the_start_with_its_name(name, value):
    done = start(**{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"trygg: {name} must")
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_secret_stops_the_start_with_its_name():
    environment = {
        name: value for name, value in os.environ.items() if "TRYGG" not in name
    }
    done = subprocess.run(
        [sys.executable, "-m", "trygg", "diffsettings"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "TRYGG_SECRET_KEY is not set" in done.stderr
