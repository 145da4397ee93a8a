"""The metrics that there are only where samples are sequences with a label per token."""

from __future__ import annotations

from pareto_explorer.schema.metric_entry import MetricEntry

__all__ = ["TOKEN_METRICS"]

_TOFU = "Maini et al., TOFU (COLM 2024, arXiv 2401.06121)"
_MUSE = "Shi et al., MUSE (ICLR 2025, arXiv 2407.06460)"
_OPEN = "Dorna et al., OpenUnlearning (arXiv 2506.12618)"
_NON_MEMBERS = "forgotten answers told from answers never seen"

TOKEN_METRICS: tuple[MetricEntry, ...] = (
    MetricEntry(
        "forget_probability",
        "none",
        "Forget probability",
        "probability of the forgotten answers",
        "Mean over the forget set of the probability of an answer, as the geometric mean over its"
        " tokens.",
        f"{_TOFU}, probability",
        tokens_only=True,
    ),
    MetricEntry(
        "retain_probability",
        "max",
        "Retain probability",
        "probability of the retained answers",
        "Mean over the retain set, or the sample of it that is measured, of the probability of an"
        " answer, as the geometric mean over its tokens.",
        f"{_TOFU}, probability",
        tokens_only=True,
    ),
    MetricEntry(
        "token_memorisation",
        "none",
        "Token memorisation",
        "share of the forgotten answers' tokens that are said",
        "Mean over the forget set of the share of an answer's tokens, its end excluded, that are"
        " the most probable ones after those before them.",
        "Tirumala et al., Memorization without overfitting (NeurIPS 2022), exact memorisation",
        tokens_only=True,
    ),
    MetricEntry(
        "extraction_strength",
        "none",
        "Extraction strength",
        "share of the forgotten answers that follows by itself",
        "Mean over the forget set of the share of an answer's tokens at its end that all follow by"
        " themselves once the rest is given; 0 where even the last one does not.",
        "Carlini et al., Extracting training data from large language models (USENIX Security"
        f" 2021); {_OPEN}",
        tokens_only=True,
    ),
    MetricEntry(
        "truth_ratio",
        "none",
        "Truth ratio",
        "closeness of wrong answers' probability to the right one's",
        "Mean over the forget set of min(R, 1/R), R being the geometric mean probability of the"
        " wrong answers to a question over that of a right one: 1 where neither is preferred.",
        f"{_TOFU}, truth ratio",
        tokens_only=True,
        needs=("forget_answers",),
    ),
    MetricEntry(
        "truth_distance",
        "min",
        "Truth distance",
        "distance of truth ratios to the retrained model's",
        "D: Kolmogorov-Smirnov distance, 0 to 1, of the forget set's truth ratios to the retrained"
        " model's. A model that answers nothing has a small one too: read it beside what is"
        " retained.",
        f"{_TOFU}, forget quality; the distance in place of its p-value",
        needs_retrained=True,
        tokens_only=True,
        needs=("forget_answers",),
    ),
    MetricEntry(
        "forget_quality",
        "max",
        "Forget quality",
        "p-value of truth ratios as the retrained model's",
        "p-value of the Kolmogorov-Smirnov test that the forget set's truth ratios are distributed"
        " as the retrained model's. A model that answers nothing may have a large one too: read it"
        " beside what is retained.",
        f"{_TOFU}, forget quality",
        needs_retrained=True,
        tokens_only=True,
        needs=("forget_answers",),
    ),
    MetricEntry(
        "model_utility",
        "max",
        "Model utility",
        "what is still answered right",
        "Harmonic mean, over the retained questions and those on what is known from elsewhere, of"
        " the right answer's probability and of the mean max(0, 1 - R) of truth ratios; one 0 makes"
        " it 0. Nothing is generated for it.",
        f"{_TOFU}, model utility, without its generated third",
        reads_test=True,
        twin="validation_model_utility",
        tokens_only=True,
        needs=("utility_answers",),
    ),
    MetricEntry(
        "validation_model_utility",
        "max",
        "Model utility (validation)",
        "what is still answered right",
        "Model utility with the even rows alone of the questions on what is known from elsewhere:"
        " picks models without the others.",
        f"{_TOFU}, model utility, without its generated third",
        tokens_only=True,
        needs=("utility_answers",),
    ),
    MetricEntry(
        "model_utility_rouge",
        "max",
        "Model utility (ROUGE)",
        "what is still answered right, generated answers included",
        "Model utility as published: the harmonic mean takes in the ROUGE-L recall of generated"
        " answers as well.",
        f"{_TOFU}, model utility",
        reads_test=True,
        tokens_only=True,
        needs=("utility_answers", "speech"),
    ),
    MetricEntry(
        "min_k_auc",
        "none",
        "Min-k AUC",
        _NON_MEMBERS,
        "AUC of the mean log-probability of an answer's 40 % least probable tokens, forget set"
        " against a random half of the held-out set: 1 where the forget set looks trained on.",
        f"Shi et al., Detecting pretraining data (ICLR 2024), with k of {_OPEN}",
        reads_test=True,
        tokens_only=True,
        needs=("non_members",),
    ),
    MetricEntry(
        "min_k_plus_auc",
        "none",
        "Min-k++ AUC",
        _NON_MEMBERS,
        "Min-k AUC with each token's log-probability standardised over the vocabulary.",
        "Zhang et al., Min-K%++ (ICLR 2025, arXiv 2404.02936)",
        reads_test=True,
        tokens_only=True,
        needs=("non_members",),
    ),
    MetricEntry(
        "zlib_auc",
        "none",
        "zlib AUC",
        _NON_MEMBERS,
        "AUC of the loss of an answer over its compressed size, forget set against a random half of"
        " the held-out set: 1 where the forget set looks trained on.",
        "Carlini et al., Extracting training data from large language models (USENIX Security"
        " 2021)",
        reads_test=True,
        tokens_only=True,
        needs=("non_members", "compressed"),
    ),
    MetricEntry(
        "privleak",
        "none",
        "PrivLeak",
        "percent by which min-k tells less than after retraining",
        "100 (AUC_r - AUC) / (1 - AUC_r) of the min-k AUC and the retrained model's, AUC_r: near"
        " -100 where nothing is forgotten, 0 as after retraining, above 0 where the forget set"
        " looks less trained on than that.",
        f"{_MUSE}, C3",
        reads_test=True,
        needs_retrained=True,
        tokens_only=True,
        needs=("non_members",),
    ),
    MetricEntry(
        "rouge_forget",
        "none",
        "ROUGE (forget)",
        "share of the forgotten answers in generated ones",
        "Mean ROUGE-L recall of generated answers to the questions of the forget set.",
        "Lin, ROUGE (2004); Maini et al., TOFU (COLM 2024)",
        tokens_only=True,
        needs=("speech",),
    ),
    MetricEntry(
        "rouge_retain",
        "max",
        "ROUGE (retain)",
        "share of the retained answers in generated ones",
        "Mean ROUGE-L recall of generated answers to the retained questions.",
        "Lin, ROUGE (2004); Maini et al., TOFU (COLM 2024)",
        tokens_only=True,
        needs=("speech",),
    ),
)
