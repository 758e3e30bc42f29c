"""What the pretrained encoder is good for: readouts with OpenMMLab's downstream toolboxes.

Nothing is imported here: MMSegmentation takes seconds to import and pretraining does without it.
A config reaches the registered classes with
``custom_imports = dict(imports=['poodle_mm.downstream.segmentation'])``.
"""
