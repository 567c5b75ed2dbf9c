"""From circuit to deck, in our dialect and in those of other simulators."""
