"""One circuit at many points: a swept source, columns of inputs, and parts with tolerances."""

import numpy as np

import resnet_sim as rs

DECK = """half-wave rectifier
V1 in 0 0
D1 in out di
R1 out 0 1k
R2 out mid 1k
R3 mid 0 1k
.model di d(ron=0 roff=inf vfwd=0)
.dc V1 -2 2 1
.end
"""


def main():
    """Do what the deck asks for, then the same for other inputs and other resistors."""
    circuit = rs.parse_netlist(DECK)
    (swept,) = rs.run(circuit)
    print("swept:", *zip(swept.sweep["v1"].tolist(), swept.voltage("mid").tolist(), strict=True))
    assert np.allclose(swept.voltage("mid"), np.maximum(swept.sweep["v1"], 0) / 2, atol=1e-12)

    time = np.linspace(0, 1, 100, endpoint=False)
    wave = rs.solve(circuit, inputs={"v1": np.sin(2 * np.pi * time)})
    mean = wave.voltage("out").mean()
    print(f"mean of a rectified sine: {mean:.3f} V, 1/pi is {1 / np.pi:.3f}")
    assert wave.certificate.ok and abs(mean - 1 / np.pi) < 1e-3

    circuit = circuit.with_values({"v1": 2.0})
    found = rs.monte_carlo(circuit, {"r*": 0.05}, samples=2000, seed=1)
    mid = found.voltage("mid")
    print(f"resistors within 5 %: {mid.min():.3f} to {mid.max():.3f} V")
    # the extremes are 2 V (1 -+ .05) / ((1 +- .05) + (1 -+ .05))
    assert found.certificate.ok and 0.95 <= mid.min() < 0.97 and 1.03 < mid.max() <= 1.05


if __name__ == "__main__":
    main()
