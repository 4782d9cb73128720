"""Training: the objective, what a checkpoint holds, and the loop. Knows no tracker and no stage."""
