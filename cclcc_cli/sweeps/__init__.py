"""Many runs: ablations, searches, and the workers that train them."""
