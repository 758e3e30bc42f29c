"""Files behind URLs, by fsspec: listed once, read by ranges of bytes."""
