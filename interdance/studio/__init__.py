"""A web application on the user's own machine: choose or upload a leader and a song, generate, watch, compare, take home."""
