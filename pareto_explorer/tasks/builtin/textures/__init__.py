"""Generated textures."""
