"""The demo, and the paper's ablations as runs."""
