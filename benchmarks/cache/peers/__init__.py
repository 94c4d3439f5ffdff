"""The peers, each at its best settings. Only benchmarks import this: the peers are no dependency."""
