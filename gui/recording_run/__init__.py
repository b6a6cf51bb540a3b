"""A run as a GIF or MP4: stops, pictures of them, and their encoders."""
