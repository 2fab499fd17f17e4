"""Which images make up a step."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.data.sampling import Stream, TwoStreamBatches


def batches(first_step=0, total_steps=20, seed=0, unlabeled=2):
    return list(
        TwoStreamBatches(
            np.arange(5), np.arange(100, 107), num_labeled=2, num_unlabeled=unlabeled,
            seed=seed, first_step=first_step, total_steps=total_steps,
        )
    )


@given(size=st.integers(1, 30), seed=st.integers(0, 2**31 - 1), sweeps=st.integers(1, 3))
def test_each_sweep_shows_every_image_once(size, seed, sweeps):
    stream = Stream(np.arange(size), labeled=True, seed=seed)
    keys = [stream[place] for place in range(size * sweeps)]
    for sweep in range(sweeps):
        part = keys[sweep * size:(sweep + 1) * size]
        assert sorted(key.position for key in part) == list(range(size))
        assert {key.sweep for key in part} == {sweep}


def test_labelled_come_first_and_keep_their_streams():
    for batch in batches():
        assert [key.labeled for key in batch] == [True, True, False, False]
        assert all((key.position < 100) is key.labeled for key in batch)


@given(st.integers(0, 20))
def test_going_on_from_any_step_draws_the_same_images(step):
    assert batches(first_step=step) == batches()[step:]


def test_seeds_differ_and_repeat():
    assert batches(seed=1) == batches(seed=1)
    assert batches(seed=1) != batches(seed=2)


def test_labels_are_spread_evenly_though_the_batch_does_not_divide_them():
    counts = Counter(key.position for batch in batches() for key in batch if key.labeled)
    assert set(counts.values()) == {8}


def test_without_unlabelled_images_none_are_needed():
    made = TwoStreamBatches(
        np.arange(3), np.array([], dtype=np.int64), num_labeled=2, num_unlabeled=0,
        seed=0, first_step=0, total_steps=1,
    )
    assert [len(batch) for batch in made] == [2]


def test_an_empty_stream_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        Stream(np.array([], dtype=np.int64), labeled=True, seed=0)
