"""Settings that every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported

settings.register_profile("pareto_explorer", deadline=None)
settings.load_profile("pareto_explorer")
