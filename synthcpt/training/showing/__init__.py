"""What a training run shows of itself: metrics on disk, the terminal, TensorBoard, curves, the model card."""
