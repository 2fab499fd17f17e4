"""A search: an Optuna study whose trials are cells; its storage, proposals, and what it found."""
