# FlowE, the paper's strongest baseline: PooDLe's run with the dense objective alone on a dilated encoder.
_base_ = ['poodle_r50_bdd.py', '_base_/ablations/flowe.py']

model = {{_base_.ablation}}
