"""Work spread over machines by Ray: the only room with it."""
