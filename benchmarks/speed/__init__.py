"""How fast: kernels, the pipeline beside the vqf package, whole replays, and the start."""
