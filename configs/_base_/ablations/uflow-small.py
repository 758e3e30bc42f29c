# PooDLe with the small flow network that comes with the package, at the size of the crops.
ablation = dict(
    data_preprocessor=dict(flow=dict(_delete_=True, type='UFlow', weights='small', size=None))
)
