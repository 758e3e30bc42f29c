# FlowE as PooDLe's authors ran it: a rate that ends at 1e-4, an occlusion check of 3.54 pixels, 30 updates
# of RAFT, no bias in the first layers of projector and predictor, the mean of both directions as loss.
#     bash tools/dist_train.sh configs/flowe_r50_bdd_release.py 16
#     python tools/evaluate.py work_dirs/flowe_r50_bdd_release/epoch_100.pth --suite bdd100k
# 16 GPUs x 8 pairs. Hours: not printed, not measured.
# The paper: 35.7 mIoU with a linear readout of BDD100K (Table 1). No run of this project.
_base_ = ['flowe_r50_bdd.py', '_base_/recipes/release.py']

model = dict(
    data_preprocessor=dict(
        flow=dict(num_updates=30),
        occlusion=dict(alpha1=0.0, alpha2=12.5),  # pixels squared
        photometric={{_base_.release_model.data_preprocessor.photometric}},
        affine={{_base_.release_model.data_preprocessor.affine}},
    ),
    dense_head=dict(loss_weight=0.5, hidden_bias=False),
)
optim_wrapper = {{_base_.release_optim_wrapper}}
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(eta_min=1e-4)
