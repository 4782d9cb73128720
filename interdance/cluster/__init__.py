"""Trainings and sweeps that Ray spreads over processes and machines."""
