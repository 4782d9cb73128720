"""From a trained model, a leader and a song to the follower of a whole take."""
