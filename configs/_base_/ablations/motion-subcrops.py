# PooDLe whose subcrops go more often to what moves otherwise than the camera's surroundings (the paper's
# future work; the rules are ours): nine tenths of their centres by the distance of the flow from the plane
# that most of the frame follows.
ablation = dict(
    data_preprocessor=dict(
        subcrops=dict(motion=dict(residual='homography', share=0.9, scale=0.05)),
    ),
)
