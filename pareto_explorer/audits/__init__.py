"""Audits: would a strong attacker tell an unlearned model from a retrained one?

The attacker knows the procedure and has models of other training seeds. What it sees of a sample is
the margin: how much surer a model is of the label than of all others together. Two sets of margins,
of unlearned and of retrained models of the same seeds, are all that most statistics take; they need
numpy and scipy only.

>>> import numpy as np
>>> from pareto_explorer.audits.statistics import u_lira
>>> draws = np.random.default_rng(0)
>>> retrained = draws.normal(size=(8, 100))  # eight seeds, a hundred forgotten samples
>>> unlearned = draws.normal(1.0, size=(8, 100))
>>> attack = u_lira(unlearned, retrained)
>>> 0.6 < attack.accuracy < 0.7  # one of two models drawn apart by one standard deviation
True

| room | what is in it |
|---|---|
| ``statistics`` | U-LiRA, D², leakage, KLoM, F, RMIA, recovery, and their standard errors |

| module | what is in it |
|---|---|
| ``records`` | what an audit leaves in a run directory |
| ``compute`` | its tables, from what the models have said |
| ``worst`` | the forgotten samples by which an attacker tells most |
| ``plan`` | what an audit is going to do, and what a budget leaves of it |
| ``result`` | what ``pareto_explorer.audit`` returns |

Models are trained, unlearned and asked in ``sweeps.audit``.
"""

__all__: list[str] = []
