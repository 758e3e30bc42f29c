"""The 19 classes of BDD100K in the paper's groups (PooDLe, Table 7)."""

# Name, share of an image's pixels averaged over the images in which the class appears, share of
# the images in which it appears; both in percent as printed.
_TABLE_7 = (
    ('road', 22.0, 96.5),
    ('sky', 18.2, 94.8),
    ('building', 15.0, 88.4),
    ('vegetation', 14.4, 91.7),
    ('car', 8.4, 97.3),
    ('bus', 3.7, 15.0),
    ('fence', 3.4, 30.6),
    ('truck', 3.2, 30.5),
    ('wall', 3.1, 15.4),
    ('sidewalk', 3.1, 66.7),
    ('terrain', 2.8, 36.7),
    ('train', 2.1, 0.7),
    ('pole', 1.0, 95.0),
    ('bicycle', 0.8, 6.4),
    ('person', 0.7, 34.7),
    ('motorcycle', 0.6, 3.8),
    ('traffic sign', 0.5, 75.3),
    ('rider', 0.4, 5.2),
    ('traffic light', 0.4, 47.1),
)

BDD100K_CLASSES = tuple(name for name, _, _ in _TABLE_7)
BDD100K_GROUPS = dict(
    small=[name for name, area, _ in _TABLE_7 if area <= 1],
    large=[name for name, area, _ in _TABLE_7 if area > 1],
    rare=[name for name, _, presence in _TABLE_7 if presence <= 20],
    common=[name for name, _, presence in _TABLE_7 if presence > 20],
)
