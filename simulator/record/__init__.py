"""`python -m simulator record`: keeps what a real exchange shows, in the files that the simulator plays."""
