# dora_vit-s16_wt-venice_224x224_100e.py on all ten videos of Walking Tours, 90 clips a minute: with five times
# fewer than for Venice alone, as PooDLe's recipes, an epoch has about twice the clips (ours).
_base_ = ['dora_vit-s16_wt-venice_224x224_100e.py']

train_dataloader = dict(dataset=dict(data_prefix=dict(path='videos'), pairs_per_clip=90))
