# PooDLe with DIS that starts from the flow of the small network in the package.
ablation = dict(
    data_preprocessor=dict(
        flow=dict(_delete_=True, type='DISFlow', initial=dict(type='UFlow', weights='small'))
    )
)
