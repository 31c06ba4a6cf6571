"""Reading and writing images and videos as streams, atomic files, progress, and fetching of assets."""
