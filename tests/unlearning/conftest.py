"""One thread, and no deadlines: a busy machine is no failure."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("unlearning", deadline=None)
settings.load_profile("unlearning")
