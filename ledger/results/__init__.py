"""Recording what came back."""
