"""The components of the score, one file each; `registry` says which are computed and with what weights."""
