"""Head models: readers, the container, the forward pass, landmark embeddings."""
