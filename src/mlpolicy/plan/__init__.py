"""Policies and a target become a plan: which rules hold, and where each value comes from."""
