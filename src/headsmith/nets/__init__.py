"""Networks and their weights: TF.js graphs, MediaPipe, RVM, BiSeNetV2, ST-LPIPS."""
