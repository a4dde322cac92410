"""Calibration: observed ranges, the placement of Q/DQ, quantizing, and fidelity against FP32."""
