"""Clips with camera-like faults put into real footage, and what the gate makes of them: the gate's acceptance."""
