"""Audits: would a strong attacker tell an unlearned model from a retrained one?"""
