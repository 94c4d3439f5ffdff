"""The domain: what exchanges say, and what follows from it. No Celery, no Flask, no cache."""
