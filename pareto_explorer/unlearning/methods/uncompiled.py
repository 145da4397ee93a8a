"""What compiled models cannot do."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

__all__ = ["uncompiled"]


def uncompiled() -> AbstractContextManager[object]:
    """Runs compiled models as they were written.

    Compiled ones do not call hooks that came later, and their graphs can be passed backward once
    only.
    """
    return torch.compiler.set_stance("force_eager")
