# PixPro's two views of a frame: BYOL's, and where each lies in the frame; 224x224.
# A recipe gives `pipeline` to the data set of its videos; the collate_fn is 'default_collate'.
_base_ = ['byol_views_224.py']

place = ('crop_box', 'flip_direction')
pipeline = _base_.pipeline
pipeline[0].pipelines = [
    [dict(crop, type='poodle_mm.RandomResizedCropBox'), *rest]
    for crop, *rest in pipeline[0].pipelines
]
pipeline[0].view_keys = place
pipeline[1].meta_keys = ('img_path', 'ori_shape', *place)
