"""Figures of merit beyond MMSegmentation's."""

from poodle_mm.evaluation.class_groups import class_groups, class_shares, group_means

__all__ = ['class_groups', 'class_shares', 'group_means']
