"""Columns of text are coded by hashes exactly as they are one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tryggstat.survey import _columns
from tryggstat.survey.design import encode

texts = st.lists(st.text(max_size=5) | st.sampled_from(["", "a", "b", "ab", "ba"]))


def assert_same(column):
    fast, plain = encode(column), encode(column.astype(object))
    assert fast.codes.tolist() == plain.codes.tolist()
    assert fast.labels.tolist() == plain.labels.tolist()


@given(texts)
def test_text_and_objects_are_coded_alike(column):
    assert_same(np.array(column, dtype=str))


def test_texts_that_share_a_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr(_columns, "MULTIPLIER", np.uint64(0))  # the last letter only
    column = np.array(["ab", "cb", "ab", "", "cd"])
    assert _columns._encode_text(column) is None
    assert_same(column)


def test_text_that_is_no_contiguous_array_is_coded_too():
    assert_same(np.array(["a", "x", "b", "y", "a", "z"])[::2])
