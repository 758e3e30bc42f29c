# PooDLe with flow that was learnt without labels (Table 4, row 6): UFlow at 256x512.
ablation = dict(
    data_preprocessor=dict(
        flow=dict(
            _delete_=True, type='UFlow', weights='checkpoints/uflow_bdd100k.pth', size=(256, 512)
        )
    )
)
