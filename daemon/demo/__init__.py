"""The demonstration: a simulated pair of ankle weights through dispatcher, capture, pipeline and a real broker."""
