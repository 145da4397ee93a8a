"""Forget losses: what makes the forget set forgotten, one idea a file.

A forget loss is a function of a :class:`~pareto_explorer.unlearning.ForgetBatch` and returns a
batch mean, which is minimised; its knobs are keyword-only arguments. In docstrings C is the number
of classes, p the softmax output and p_y the probability of the label. On sequences, predictions are
those of labelled tokens.

>>> import torch
>>> from pareto_explorer.unlearning import FORGET_LOSSES, ForgetBatch
>>> batch = ForgetBatch(torch.zeros(2, 10), torch.tensor([3, 7]), references=None)
>>> loss = FORGET_LOSSES["negative_cross_entropy"].build(clip=1.0)
>>> loss(batch)  # the cross-entropy is log 10, beyond the clip
tensor(-1.)

Every module is the home of a loss: its function, and in ``ENTRIES`` its name in a search space, its
knobs and its source. To add one is to add such a module; nothing is imported from here.

| module | loss |
|---|---|
| ``kl_uniform`` | KL to the uniform distribution, either way |
| ``kl_heldout`` | class-wise KL to mean predictions on held-out data |
| ``negative_cross_entropy`` | gradient ascent |
| ``bounded_cross_entropy`` | ascent that ends where the label has no probability |
| ``random_labels`` | cross-entropy to random labels |
| ``npo`` | likelihoods fall behind the original's (NPO, SimNPO), or refusals' (DPO) |
| ``undial`` | the original's predictions with the label's logit lowered |
| ``cross_entropy_without`` | the model's own predictions without the label |
| ``weighted_ascent`` | gradient ascent weighted by confidence |
"""

__all__: list[str] = []
