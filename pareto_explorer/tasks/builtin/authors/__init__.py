"""Facts about generated authors, for a small causal language model."""
