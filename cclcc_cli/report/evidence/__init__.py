"""What runs say: statistics, verdicts, comparisons, ablations."""
