"""One cell of an experiment: its identity, its folder, its training, its mirror in MLflow."""
