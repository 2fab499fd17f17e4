"""The loop: steps, schedule, evaluation, checkpoints. It does not know which method it runs."""
