"""Readouts of checkpoints, figures of merit beyond MMSegmentation's, and the paper's tables."""

from poodle_mm.evaluation.bdd100k import BDD100K_CLASSES, BDD100K_GROUPS
from poodle_mm.evaluation.class_groups import class_groups, class_shares, group_means

__all__ = ['BDD100K_CLASSES', 'BDD100K_GROUPS', 'class_groups', 'class_shares', 'group_means']
