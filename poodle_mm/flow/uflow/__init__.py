"""UFlow: unsupervised optical flow."""
