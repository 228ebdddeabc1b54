"""What came of calls until it is told: sums, of calls under the newest ceiling only."""

from limiter.feedback_buffer import Heard


def test_what_came_of_calls_is_summed_until_it_is_told_once():
    heard = Heard()
    heard.add(3, answered=2, failed=1, timed=2, took_seconds=0.5)
    heard.add(3, answered=4, failed=0, timed=3, took_seconds=0.25)
    assert heard.take() == (3, 6, 1, 5, 750_000)
    assert heard.take() == (0, 0, 0, 0, 0)


def test_calls_of_before_the_ceiling_was_lowered_are_left_out_in_whatever_order_they_end():
    heard = Heard()
    heard.add(3, answered=2, failed=5, timed=2, took_seconds=9)
    heard.add(4, answered=1, failed=0, timed=1, took_seconds=0.1)
    heard.add(3, answered=0, failed=7, timed=0, took_seconds=0)
    assert heard.take() == (4, 1, 0, 1, 100_000)


def test_after_redis_was_emptied_counting_from_0_is_heard_again():
    heard = Heard()
    heard.add(7, answered=1, failed=0, timed=1, took_seconds=0.1)
    heard.take()
    heard.add(0, answered=2, failed=0, timed=2, took_seconds=0.2)
    assert heard.take() == (0, 2, 0, 2, 200_000)
