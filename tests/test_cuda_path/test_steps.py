"""Every recipe's whole step on a fake GPU: nothing fails there, and the host hardly waits."""

from pathlib import Path

import pytest

from tests.test_cuda_path.steps import BATCH, batch_of, step_config, waits_of_a_step

REPO = Path(__file__).resolve().parents[2]
# Not iBOT's: the student's head sees masked patches alone, whose number the host waits for.
CONFIGS = [
    *sorted(file.name for file in (REPO / 'configs').glob('*.py')),
    'byol/byol_r50_bdd_224x224_40e.py',
    'densecl/densecl_r50_bdd_224x224_40e.py',
    'dino/dino_r50_bdd_224x224_100e.py',
    'dino/dino_vit-s16_bdd_224x224_300e.py',
    'dora/dora_vit-s16_bdd_224x224_200e.py',
    'mae/mae_vit-s16_bdd_224x224_300e.py',
    'pixpro/pixpro_r50_bdd_224x224_100e.py',
    'ablations/bdd100k/uflow_r50_bdd_256x512_40e.py',
]
# Where the host still waits in a step: all of it in other packages.
RAFT = {
    'torchvision.models.optical_flow.raft.forward: host to device': 2,
    'torchvision.models.optical_flow.raft._compute_corr_volume: host to device': 1,
}
IMAGES = {
    'mmengine.model.base_model.data_preprocessor.cast_data: host to device': 2,
    'mmpretrain.models.utils.data_preprocessor.forward: host to device': 2,
}
AVERAGE = {'mmengine.model.averaged_model.update_parameters: item': 1}
WAITS = {
    'byol': IMAGES | AVERAGE,
    'densecl': {
        **IMAGES,
        **AVERAGE,
        'mmpretrain.models.heads.contrastive_head.loss: host to device': 2,
        'mmpretrain.models.selfsup.densecl._dequeue_and_enqueue: host to device': 1,
        'mmpretrain.models.selfsup.densecl._dequeue_and_enqueue: item': 1,
        'mmpretrain.models.selfsup.densecl._dequeue_and_enqueue2: host to device': 1,
        'mmpretrain.models.selfsup.densecl._dequeue_and_enqueue2: item': 1,
        'mmpretrain.models.utils.batch_shuffle.batch_shuffle_ddp: host to device': 1,
        'mmpretrain.models.utils.batch_shuffle.batch_unshuffle_ddp: host to device': 4,
    },
    'dino': {
        **{k: v for k, v in IMAGES.items() if 'averaged_model' not in k},
        'mmengine.optim.optimizer.optimizer_wrapper._clip_grad: item': 1,  # for the log
    },
    'dora': {
        'mmengine.model.base_model.data_preprocessor.cast_data: host to device': 2,
        'poodle_mm.models.methods.dora.track: host to device': 1,  # the heads drawn
        'mmengine.optim.optimizer.optimizer_wrapper._clip_grad: item': 1,
    },
    'mae': dict.fromkeys(IMAGES, 1),
    # norms of weight and gradient of each kernel
    'pixpro': IMAGES | {'mmpretrain.engine.optimizers.lars.step: item': 2 * 56},
    'uflow': {},
}
LOSSES = {
    'byol': {'loss'},
    'densecl': {'loss_single', 'loss_dense'},
    'dino': {
        'loss',
        'teacher_entropy',
        'student_entropy',
        'information',
        'teacher_temperature',
    },
    'dora': {
        'loss_masked',
        'loss_local',
        'object_overlap',
        'mask_share',
        'teacher_entropy',
        'student_entropy',
        'information',
        'teacher_temperature',
    },
    'flowe': {'loss_dense', 'valid_share', 'std_dense'},
    'mae': {'loss', 'explained_variance'},
    'pixpro': {'loss_dense', 'positive_share', 'std_dense'},
}
ALL_LOSSES = LOSSES['flowe'] | {'loss_pool', 'std_pool', 'fallback_share'}


@pytest.fixture(scope='module')
def step(tmp_path_factory):
    """A step of a config; recipes that differ in their data only share it."""
    folder, done = tmp_path_factory.mktemp('weights'), {}

    def take(name):
        cfg = step_config(REPO / 'configs' / name, folder)
        key = repr((cfg.model.to_dict(), [x.shape for x in batch_of(cfg)['inputs']]))
        if key not in done:
            done[key] = waits_of_a_step(REPO / 'configs' / name, folder)
        return done[key]

    return take


@pytest.mark.parametrize('name', CONFIGS)
def test_a_step_on_the_fake_gpu(step, name):
    waits, losses = step(name)
    method = Path(name).name.split('_')[0]
    assert dict(waits) == WAITS.get(method, RAFT)
    assert losses.keys() == LOSSES.get(method, ALL_LOSSES)
    assert all(x.shape == () and x.device.type == 'cuda' for x in losses.values())
    assert BATCH > 1
