"""The tiered cache beside its peers: one short file per workload, one table of what is to be reached."""
