"""Losses, gradients, budgets."""
