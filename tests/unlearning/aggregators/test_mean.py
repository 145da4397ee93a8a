import torch
from torchjd.aggregation import MeanWeighting

from pareto_explorer.unlearning.aggregators.weighted_sum import Mean


def test_agrees_with_torchjd_for_two_and_three_objectives():
    for m in (2, 3):
        gramian = torch.eye(m, dtype=torch.float64)
        torch.testing.assert_close(Mean()(gramian), MeanWeighting()(gramian), rtol=0, atol=0)
