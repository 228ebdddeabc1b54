from itertools import combinations

import pytest

from issuance.closing.sampling import most_differing, sample_size


@pytest.mark.parametrize(
    ("population", "size"),
    [
        (0, 0),
        (1, 1),
        (19, 19),
        (20, 19),
        (1_000, 950),
        # From 1,001 lines on two would have to differ.
        (1_001, 777),
        (10_000, 2_588),
        (1_000_000, 2_990),
        (10_000_000, 2_994),
    ],
)
def test_the_size_of_a_sample(population, size):
    assert sample_size(population) == size


def test_no_campaign_needs_more_than_the_binomial_size():
    # The logarithm of 0.05 by that of 0.999.
    assert max(map(sample_size, range(1, 400_000, 997))) <= 2_995


@pytest.mark.parametrize("population", [7, 30, 1_000, 2_500, 40_000])
def test_one_line_less_shows_less(population):
    size = sample_size(population)
    too_many = -(-population // 1_000)
    assert most_differing(population, size, 0) < too_many
    assert most_differing(population, size - 1, 0) >= too_many


def test_all_lines_show_exactly_what_differs():
    assert [most_differing(50, 50, found) for found in (0, 3, 50)] == [0, 3, 50]


def test_more_differences_allow_more():
    bounds = [most_differing(100_000, 2_950, found) for found in (0, 1, 5, 300)]
    assert bounds == sorted(bounds)
    assert bounds[0] < 100
    assert bounds[1] > 100
    assert 300 / 2_950 * 100_000 < bounds[-1] < 1.2 * 300 / 2_950 * 100_000


@pytest.mark.parametrize("drawn", [3, 6, 9])
def test_the_bound_agrees_with_a_count_of_all_samples(drawn):
    """Every sample of ten lines is drawn, and the bound is wrong in at most 5 % of them."""
    for marked in range(11):
        samples = [
            sum(line < marked for line in sample) for sample in combinations(range(10), drawn)
        ]
        wrong = sum(most_differing(10, drawn, found) < marked for found in samples)
        assert wrong <= 0.05 * len(samples)
