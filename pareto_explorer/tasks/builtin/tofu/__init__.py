"""TOFU: fictitious authors, as published, for a pretrained language model."""
