"""Looking at what a config would train on, without training."""
