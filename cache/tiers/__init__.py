"""The tiers: process memory, Memcached, Redis, and one that is not there."""
