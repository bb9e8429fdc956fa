"""Home Assistant: what it is told of sensors, athletes and the bridge, so that they appear there by themselves."""
