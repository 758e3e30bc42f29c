"""The paper's ablations as runs: what they compare, what is trained and read out, what came out."""
