"""What methods, aggregators and forget losses are made of, and what is written down of them.

Two gradients in, one step out, and everything is counted:

>>> import torch
>>> from pareto_explorer.unlearning.core.gradients import Jacobian
>>> weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
>>> jacobian = Jacobian([weight])
>>> jacobian.differentiate([weight.sum(), weight.square().sum()])
>>> jacobian.gramian().tolist()
[[2.0, 6.0], [6.0, 20.0]]
>>> jacobian.combine(torch.tensor([0.5, 0.5]))
>>> weight.grad.tolist()
[1.5, 2.5]

| module | what is in it |
|---|---|
| ``budget`` | what a method may spend and what it has spent |
| ``data`` | the sets of a run, and the endless batches drawn from them |
| ``references`` | what forget losses compare predictions with |
| ``losses`` | the cross-entropy, and what a forget loss sees of a batch |
| ``loss_pair`` | the two losses of Jacobian descent |
| ``gradients`` | the rows of a Jacobian, their products and their combination |
| ``session`` | the state of a run as bytes |
| ``knobs`` | hyper-parameters and checks of their values |
| ``entries`` | what is known of a registered name, and how entries are collected |

What a user needs of it is exported by :mod:`pareto_explorer.unlearning`.
"""

__all__: list[str] = []
