"""Audits of points of a run: models of further seeds, asked on Ray."""
