"""From text to circuit: lines, cards, bodies, scopes, devices."""
