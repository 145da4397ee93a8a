"""Objectives and their box, non-dominated points, hypervolume."""
