# DoRA with a ViT-S/16: three heads of the teacher's last layer are tracked, shared out by Sinkhorn.
_base_ = ['dino_vit-s16.py']

model = dict(
    type='DoRA',
    num_objects=3,
    epsilon=0.05,
    iterations=3,
    global_views=1,
    warmup=0.3,  # 30 of 100 epochs
    data_preprocessor=dict(to_rgb=False),  # ClipViews leaves RGB
)
