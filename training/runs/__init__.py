"""What is done with trained weights: jobs, evaluation, ablation, shipping."""
