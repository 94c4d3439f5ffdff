"""What `python -m cache` does for operators: look at entries, invalidate them, count, watch."""
