"""What users call: an operating point, sweeps, Monte Carlo, derivatives, measurements."""

DOORS = (
    "crossbar", "given", "measure", "monte_carlo", "sensitivity", "solve", "solve_many", "supply",
    "sweep", "tolerances",
)  # fmt: skip
