# What the authors' released code does where it departs from the paper's text (docs/method.md has the
# table). Everything else is in the recipes' common base. A config takes it in two lines:
#     model = {{_base_.release_model}}
#     optim_wrapper = {{_base_.release_optim_wrapper}}
release_model = dict(
    data_preprocessor=dict(
        photometric=dict(
            brightness=0.8,
            contrast=0.8,
            saturation=0.8,
            hue=0.2,
            blur_prob=(0.5, 0.5),
            blur_reference=None,  # pixels of the crop
            blur_kernel=0.1,  # of each side
        ),
        affine=dict(flip_prob=0.5),
        subcrops=dict(target_area='above-online'),
    ),
    neck=dict(upsample_first=False),
    # 0.5 of each objective, each a mean over both directions; ours sum the directions.
    dense_head=dict(loss_weight=0.25),
    pooled_head=dict(loss_weight=0.25, pool_first=True),
)
release_optim_wrapper = dict(optimizer=dict(eps=1e-6))
