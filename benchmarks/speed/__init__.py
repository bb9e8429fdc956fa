"""How fast: kernels, drivers, the pipeline beside the vqf package, whole replays, the start, and the live daemon."""
