"""What methods see of the small task of sequences, refusals included."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks.core.language import Language
from pareto_explorer.unlearning import UnlearningData
from tests.tasks.sequences import sequence_task, sequences


@cache
def sequence_data() -> UnlearningData:
    return unlearning_data(replace(sequence_task(), language=Language(refusals=sequences(8, 9))))
