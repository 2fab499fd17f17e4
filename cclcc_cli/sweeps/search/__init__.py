"""A search: an Optuna study whose trials are runs; its storage, proposals, and what it found."""
