"""Samples from tensors, tables and files."""
