"""How good followers are, whoever made them: folders in, measures, intervals and comparisons out."""
