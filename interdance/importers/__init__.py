"""Data sets of others as takes of ours: one module per published folder layout, each with a reader and a writer."""
