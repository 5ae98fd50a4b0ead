# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.evals.metrics import DEPTHS, mrr, quantile, recall

RANKS = st.lists(st.one_of(st.none(), st.integers(1, 20)), min_size=1)


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [([1, 2, 6, None], (0.25, 0.5, 0.75)), ([1], (1, 1, 1)), ([None], (0, 0, 0)), ([], (0, 0, 0))],
)
def test_recall_is_the_share_that_is_found_so_early(ranks, expected):
    assert expected == tuple(recall(ranks, depth) for depth in DEPTHS)


@pytest.mark.parametrize(
    ("ranks", "expected"), [([1, 2, 4, None], 0.4375), ([1, 1], 1), ([None], 0), ([], 0)]
)
def test_the_reciprocal_rank_is_the_mean_of_one_by_rank(ranks, expected):
    assert expected == mrr(ranks)


@pytest.mark.parametrize(
    ("share", "expected"), [(0, 1), (0.2, 1), (0.5, 3), (0.95, 5), (1, 5), (0.61, 4)]
)
def test_a_quantile_is_one_of_the_values(share, expected):
    assert expected == quantile([5, 1, 4, 2, 3], share)


def test_nothing_measured_is_nothing():
    assert quantile([], 0.5) == 0


@given(RANKS)
def test_deeper_never_finds_less_and_all_figures_lie_between_the_first_and_any_rank(ranks):
    one, five, ten = (recall(ranks, depth) for depth in DEPTHS)

    assert 0 <= one <= five <= ten <= 1
    assert one <= mrr(ranks) + 1e-9
    assert mrr(ranks) <= recall(ranks, 20) + 1e-9
