"""What users call: an operating point, sweeps, Monte Carlo, derivatives, measurements."""
