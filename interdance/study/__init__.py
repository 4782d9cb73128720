"""A blind user study of generated couples: built, served, and reported (paper, §5.1 and Appendix H)."""
