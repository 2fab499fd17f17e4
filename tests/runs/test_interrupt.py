"""Signals as requests."""

import os
import signal

import pytest

from cclcc_cli.runs.interrupt import stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_a_request_and_the_second_interrupts(number):
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        assert stop.signal_number == number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("first", [signal.SIGUSR2, signal.SIGTERM])
def test_a_clusters_warning_is_a_request_and_never_asks_twice(first):
    with stop_on_signals() as stop:
        for number in (first, signal.SIGUSR2, signal.SIGUSR2):
            os.kill(os.getpid(), number)
        assert stop.signal_number == first


def test_sigterm_after_the_warning_is_still_a_request():
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGUSR2)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.signal_number == signal.SIGTERM


def test_what_came_while_a_job_was_loading_stops_what_it_then_does():
    with stop_on_signals() as outer:
        os.kill(os.getpid(), signal.SIGTERM)
        with stop_on_signals() as inner:
            assert inner()
        assert inner is outer
    with stop_on_signals() as later:
        assert not later()
