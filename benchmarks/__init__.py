"""Measurements, side by side in one run: contenders interleaved, answers checked, medians and spread."""
