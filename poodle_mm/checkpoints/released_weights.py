"""Weights that others have published, and that stand for rows of the paper's tables. Data only.

Each address was seen on its project's own page or in the libraries that download it (torchvision,
timm, mmpretrain). A hash is the beginning of the file's SHA-256 that its public name carries; files
whose name has none, have none here.
"""

from dataclasses import dataclass

Printed = tuple[str, str, str, str]
"""Method, architecture, epochs and data of a row, as the paper prints them."""


@dataclass(frozen=True)
class ReleasedWeights:
    """A published file.

    Attributes:
        name: Name on command lines.
        method, data: In words.
        arch: ``'R50'`` or ``'ViT-S'``; the encoder that the file must hold.
        epochs: Of the training.
        file: Name in the folder of the weights; torch.hub's, where that tells files apart.
        keys: Whose names the tensors have.
        page: Where the file is described.
        licence: Of the file or of the code that it comes with, as the page states it.
        url: Address of the file; None where only the page is known or it is no plain download.
        sha256: Beginning of its hash, or None.
        row: The row of the paper that used it, or for which it can stand: ``note`` says which.
        tables: Numbers of the tables that have this row.
        note: What to know or to do.
    """

    name: str
    method: str
    arch: str
    data: str
    epochs: int
    file: str
    keys: str
    page: str
    licence: str
    url: str | None = None
    sha256: str | None = None
    row: Printed | None = None
    tables: tuple[int, ...] = ()
    note: str = ''


_TORCHVISION = dict(
    method='Supervised',
    arch='R50',
    data='ImageNet-1k',
    keys='torchvision',
    page='https://pytorch.org/vision/stable/models.html',
    licence='BSD-3-Clause',
)
_DINO = dict(
    method='DINO',
    data='ImageNet-1k',
    page='https://github.com/facebookresearch/dino',
    licence='Apache-2.0',
)
_MMPRETRAIN = dict(
    arch='R50',
    data='ImageNet-1k',
    epochs=200,
    keys='mmpretrain, under backbone.',
    page='https://github.com/open-mmlab/mmpretrain',
    licence='Apache-2.0',
)
_AUTHORS = dict(
    arch='R50',
    keys="PooDLe's authors",
    page='https://github.com/agentic-learning-ai-lab/poodle',
    licence='not stated',
)
_DRIVE = 'Google Drive: "full checkpoint" of'
_DEEPMIND = 'https://github.com/google-deepmind/deepmind-research/tree/master/byol'

_ALL = (
    ReleasedWeights(
        name='supervised-r50-in1k',
        **_TORCHVISION,
        epochs=600,
        file='resnet50-11ad3fa6.pth',
        url='https://download.pytorch.org/models/resnet50-11ad3fa6.pth',
        sha256='11ad3fa6',
        row=('Supervised', 'R50', '600', 'IN1K'),
        tables=(1, 3, 5, 6),
        note='IMAGENET1K_V2',
    ),
    ReleasedWeights(
        name='supervised-r50-in1k-v1',
        **_TORCHVISION,
        epochs=90,
        file='resnet50-0676ba61.pth',
        url='https://download.pytorch.org/models/resnet50-0676ba61.pth',
        sha256='0676ba61',
        note='IMAGENET1K_V1',
    ),
    ReleasedWeights(
        name='supervised-vit-s16-in1k',
        method='Supervised (DeiT-S)',
        arch='ViT-S',
        data='ImageNet-1k',
        epochs=300,
        file='deit_small_patch16_224-cd65a155.pth',
        keys='timm, under model',
        page='https://github.com/facebookresearch/deit',
        licence='Apache-2.0',
        url='https://dl.fbaipublicfiles.com/deit/deit_small_patch16_224-cd65a155.pth',
        sha256='cd65a155',
        row=('Supervised', 'ViT-S', '300', 'IN1K'),
        tables=(5,),
    ),
    ReleasedWeights(
        name='byol-r50-in1k',
        method='BYOL',
        arch='R50',
        data='ImageNet-1k',
        epochs=1000,
        file='pretrain_res50x1.pth.tar',
        keys='torchvision, after conversion',
        page=_DEEPMIND,
        licence='Apache-2.0',
        row=('BYOL', 'R50', '1000', 'IN1K'),
        tables=(5,),
        note='the page has pretrain_res50x1.pkl, a pickle of JAX, which is not read here: '
        'https://github.com/chigur/byol-convert makes this file of it',
    ),
    ReleasedWeights(
        name='byol-r50-in1k-mmpretrain',
        method='BYOL',
        **_MMPRETRAIN,
        file='byol_resnet50_16xb256-coslr-200e_in1k_20220825-de817331.pth',
        url='https://download.openmmlab.com/mmselfsup/1.x/byol/byol_resnet50_16xb256-coslr-200e_in1k'
        '/byol_resnet50_16xb256-coslr-200e_in1k_20220825-de817331.pth',
        sha256='de817331',
        row=('BYOL', 'R50', '1000', 'IN1K'),
        tables=(5,),
        note='a reproduction of 200 epochs',
    ),
    ReleasedWeights(
        name='densecl-r50-in1k',
        method='DenseCL',
        arch='R50',
        data='ImageNet-1k',
        epochs=200,
        file='densecl_r50_imagenet_200ep.pth',
        keys='torchvision',
        page='https://github.com/WXinlong/DenseCL',
        licence='GPL-3.0 (the code)',
        row=('DenseCL', 'R50', '200', 'IN1K'),
        tables=(5,),
        note='the page links to a file share; if that is closed, take densecl-r50-in1k-mmpretrain',
    ),
    ReleasedWeights(
        name='densecl-r50-in1k-mmpretrain',
        method='DenseCL',
        **_MMPRETRAIN,
        file='densecl_resnet50_8xb32-coslr-200e_in1k_20220825-3078723b.pth',
        url='https://download.openmmlab.com/mmselfsup/1.x/densecl'
        '/densecl_resnet50_8xb32-coslr-200e_in1k'
        '/densecl_resnet50_8xb32-coslr-200e_in1k_20220825-3078723b.pth',
        sha256='3078723b',
        row=('DenseCL', 'R50', '200', 'IN1K'),
        tables=(5,),
        note='a reproduction of the same length',
    ),
    ReleasedWeights(
        name='dino-r50-in1k',
        **_DINO,
        arch='R50',
        epochs=800,
        file='dino_resnet50_pretrain.pth',
        keys='torchvision',
        url='https://dl.fbaipublicfiles.com/dino/dino_resnet50_pretrain/dino_resnet50_pretrain.pth',
        row=('DINO', 'R50', '800', 'IN1K'),
        tables=(2,),
    ),
    ReleasedWeights(
        name='dino-vit-s16-in1k',
        **_DINO,
        arch='ViT-S',
        epochs=800,
        file='dino_deitsmall16_pretrain.pth',
        keys='DINO',
        url='https://dl.fbaipublicfiles.com/dino/dino_deitsmall16_pretrain'
        '/dino_deitsmall16_pretrain.pth',
        row=('DINO', 'ViT-S', '800', 'IN1K'),
        tables=(5,),
        note='whole checkpoints (teacher, backbone.) are read, too',
    ),
    ReleasedWeights(
        name='ibot-vit-s16-in1k',
        method='iBOT',
        arch='ViT-S',
        data='ImageNet-1k',
        epochs=800,
        file='ibot_vits16_teacher.pth',
        keys='DINO, under state_dict',
        page='https://github.com/bytedance/ibot',
        licence='Apache-2.0',
        url='https://lf3-nlp-opensource.bytetos.com/obj/nlp-opensource/archive/2022/ibot/vits_16'
        '/checkpoint_teacher.pth',
        row=('iBOT', 'ViT-S', '800', 'IN1K'),
        tables=(5,),
        note='the teacher, trained with block-wise masks',
    ),
    ReleasedWeights(
        name='poodle-r50-bdd',
        method='PooDLe',
        data='BDD100K',
        epochs=100,
        file='poodle_bdd_100ep.pth',
        **_AUTHORS,
        row=('PooDLe', 'R50', '100', 'BDD'),
        tables=(1, 3, 5, 6),
        note=f'{_DRIVE} PooDLe, BDD100K',
    ),
    ReleasedWeights(
        name='poodle-r50-wt-venice',
        method='PooDLe',
        data='WT-Venice',
        epochs=10,
        file='poodle_wt-venice_10ep.pth',
        **_AUTHORS,
        row=('PooDLe', 'R50', '20', 'WT-Venice'),
        tables=(2,),
        note=f'{_DRIVE} PooDLe, Walking Tours Venice; the paper has 20 epochs',
    ),
    ReleasedWeights(
        name='poodle-r50-wt-all',
        method='PooDLe',
        data='WT-all',
        epochs=20,
        file='poodle_wt-all_20ep.pth',
        **_AUTHORS,
        row=('PooDLe', 'R50', '20', 'WT-all'),
        tables=(2,),
        note=f'{_DRIVE} PooDLe, Walking Tours All',
    ),
    ReleasedWeights(
        name='flowe-r50-bdd',
        method='FlowE',
        data='BDD100K',
        epochs=100,
        file='flowe_bdd_100ep.pth',
        **_AUTHORS,
        row=('FlowE', 'R50', '100', 'BDD'),
        tables=(1, 3, 6),
        note=f'{_DRIVE} FlowE, BDD100K',
    ),
)
RELEASED = {weights.name: weights for weights in _ALL}
"""Published files by name."""
