"""Ctrl-C waits for the end of a batch, once."""

import signal

import pytest

from console.commands.interruption import interruptible


def test_the_first_interrupt_is_raised_by_the_check():
    with interruptible() as check:
        check()
        signal.raise_signal(signal.SIGINT)
        reached = True
        with pytest.raises(KeyboardInterrupt):
            check()
    assert reached


def test_a_second_interrupt_acts_at_once():
    with interruptible():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_old_signal_handler_returns_at_the_end():
    before = signal.getsignal(signal.SIGINT)
    with interruptible():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
