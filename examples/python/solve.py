"""Build a circuit, solve it, change a value, and ask why another one has no solution."""

import resnet_sim as rs


def clamp():
    """Return a divider whose output an ideal diode holds at 2 V or less."""
    b = rs.CircuitBuilder("divider with a clamp")
    b.voltage_source("v1", "in", "0", 5.0)
    b.resistor("r1", "in", "out", 1e3)
    b.resistor("r2", "out", "0", 2e3)
    b.diode("d1", "out", "0", v_forward=2.0)
    return b.build()


def main():
    """Solve; the expected values are those of Ohm's and Kirchhoff's laws."""
    circuit = clamp()
    op = rs.solve(circuit)
    print(f"5 V in: {op.voltage('out'):.6g} V, {op.current('d1'):.6g} A through the diode")
    assert op.certificate.ok
    assert abs(op.voltage("out") - 2.0) < 1e-12
    assert abs(op.current("d1") - (3.0 / 1e3 - 2.0 / 2e3)) < 1e-15

    low = rs.solve(circuit.with_values({"v1": 1.5}))
    print(f"1.5 V in: {low.voltage('out'):.6g} V, {low.current('d1'):.6g} A through the diode")
    assert abs(low.voltage("out") - 1.0) < 1e-12 and low.current("d1") == 0

    b = rs.CircuitBuilder("a diode across a source")
    b.voltage_source("v1", "a", "0", 1.0)
    b.diode("d1", "a", "0")
    try:
        rs.solve(b.build())
    except rs.TopologyError as error:
        print(f"no solution: {str(error).splitlines()[0]}")
    else:
        raise AssertionError("1 V across an ideal diode")


if __name__ == "__main__":
    main()
