import os
import signal

import pytest

from nnc.stopping import listening


def test_the_first_ctrl_c_asks_and_the_second_ends_at_once():
    with listening() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.exit_code == 130
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_noted_once_and_means_afterwards_what_it_meant_before(number: signal.Signals, code: int):
    before = signal.getsignal(number)
    with listening() as stop:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert stop.exit_code == code
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked()
    finally:
        signal.signal(signal.SIGHUP, before)
