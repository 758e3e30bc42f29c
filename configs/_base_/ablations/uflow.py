# PooDLe with flow that was learnt without labels (Table 4, row 6): UFlow at 256x512. tools/reproduce.py trains
# it first; by itself: configs/flow/uflow_kitti.py, then uflow_bdd.py, whose last checkpoint this is.
ablation = dict(
    data_preprocessor=dict(
        flow=dict(
            _delete_=True,
            type='UFlow',
            weights='work_dirs/uflow_bdd/iter_100000.pth',
            size=(256, 512),
        )
    )
)
