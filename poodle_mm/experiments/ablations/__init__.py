"""The paper's ablations as runs: plans, trainings, readouts and reports."""
