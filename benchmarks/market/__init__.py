"""The market side: scoring beside its indicators alone, fetching beside what is allowed, and growth."""
