"""A cluster of real processes: the answers are those of one core, byte for byte."""

import os
import socket
import sys
import time
import warnings

import numpy as np
import pytest

from tryggstat import parallel
from tryggstat.cli import main
from tryggstat.survey import Design, estimate, replicate
from tryggstat.survey.replicates import FAST_FROM

ROWS = FAST_FROM + 1  # so that the compiled kernels are what is compared


@pytest.fixture(scope="module")
def cluster():
    """Return the address of a scheduler on this machine with two worker processes."""
    distributed = pytest.importorskip("dask.distributed", reason="Dask is absent")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as running:
        yield running.scheduler_address


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return a survey of 20 areas in 4 strata."""
    rng = np.random.default_rng(1)
    columns = (
        rng.integers(0, 20, ROWS),
        rng.integers(0, 4, ROWS),
        rng.uniform(1, 5, ROWS).round(2),
        rng.integers(0, 2, ROWS),
    )
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path = tmp_path_factory.mktemp("survey") / "answers.csv"
    path.write_text("\n".join(["area,stratum,w,unsafe", *lines]) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def areas(tmp_path_factory):
    """Return 30 areas with two figures each."""
    rows = np.random.default_rng(2).normal(size=(30, 2)).round(3)
    lines = [f"A{i:02},{rents},{income}" for i, (rents, income) in enumerate(rows)]
    path = tmp_path_factory.mktemp("areas") / "areas.csv"
    path.write_text("\n".join(["area,rents,income", *lines]) + "\n")
    return str(path)


def everywhere(capsys, cluster, *words):
    """Return what a command writes with one worker, with two, and on the cluster."""
    said = []
    for where in (["--workers", "1"], ["--workers", "2"], ["--scheduler", cluster]):
        code = main([*words, *where])
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        said.append(out)
    return said


def test_estimates_with_their_bootstrap_are_the_same_bytes_on_a_cluster(
    capsys, cluster, answers
):
    one, two, many = everywhere(
        capsys, cluster, "estimate", answers, "--value", "unsafe", "--kind", "share",
        "--by", "area", "--weight", "w", "--stratum", "stratum",
        "--replicates", "bootstrap", "200", "--seed", "1",
    )  # fmt: skip
    assert '"replicates": 200' in one
    assert one == two == many


def test_a_typology_is_the_same_bytes_on_a_cluster(capsys, cluster, areas):
    one, two, many = everywhere(
        capsys, cluster, "typology", areas, "--columns", "rents,income",
        "--groups", "3", "--seed", "1",
    )  # fmt: skip
    assert '"stability"' in one
    assert one == two == many


def test_the_work_is_done_by_the_workers_of_the_cluster(cluster):
    with parallel.workers(scheduler=cluster) as pool:
        own = set(pool.map(_process, range(8)))
    assert own
    assert _process(0) not in own


def _process(_):
    return os.getpid()


def test_large_samples_reach_the_cluster_without_complaint(cluster):
    rng = np.random.default_rng(3)
    design = replicate(Design(rng.uniform(1, 5, 500_000)), "bootstrap", 64, seed=1)
    y = rng.normal(size=500_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with parallel.workers(scheduler=cluster) as pool:
            there = estimate(design, {"y": y}, pool=pool)
    assert there.se == estimate(design, {"y": y}).se


def test_a_scheduler_that_does_not_answer_is_one_sentence_within_seconds(
    capsys, answers
):
    pytest.importorskip("dask.distributed", reason="Dask is absent")
    with socket.socket() as taken:  # bound but not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        start = time.monotonic()
        said = refused(capsys, answers, address)
        assert time.monotonic() - start < parallel.PATIENCE + 3
    assert f"the scheduler {address} does not answer" in said


def test_a_scheduler_without_workers_is_one_sentence(capsys, answers, monkeypatch):
    monkeypatch.setattr(parallel, "PATIENCE", 0.5)
    distributed = pytest.importorskip("dask.distributed", reason="Dask is absent")
    with distributed.LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as empty:
        said = refused(capsys, answers, empty.scheduler_address)
    assert "0/1 workers" in said


def test_an_address_that_is_none_is_one_sentence(capsys, answers):
    pytest.importorskip("dask.distributed", reason="Dask is absent")
    assert "the scheduler here does not answer" in refused(capsys, answers, "here")


def test_a_scheduler_without_dask_is_one_sentence(capsys, answers, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    said = refused(capsys, answers, "tcp://127.0.0.1:8786")
    assert "needs Dask: pip install trygg[cluster]" in said


def refused(capsys, answers, address):
    """Return the only line that a refused command writes."""
    code = main(
        [
            "estimate", answers, "--value", "unsafe", "--kind", "share",
            "--replicates", "bootstrap", "10", "--scheduler", address,
        ]
    )  # fmt: skip
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("tryggstat estimate: ")
    return err
