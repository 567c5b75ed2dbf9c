"""Linear networks: contracted, factored, bordered, preconditioned, ordered."""
