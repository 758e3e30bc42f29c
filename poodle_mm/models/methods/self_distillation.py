"""What DINO and iBOT share: a teacher that averages the student, its centre and its schedule."""

from collections.abc import Sequence
from itertools import groupby

import torch
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModel
from torch import Tensor, nn

from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained
from poodle_mm.geometry.self_distillation import information, relative_entropy
from poodle_mm.models.heads.centre import Centre
from poodle_mm.models.target_network import CosineMomentumEMA
from poodle_mm.registry import MODELS


class SelfDistillation(BaseModel):
    """Student and teacher of one architecture, the teacher a moving average of the student.

    A method is a subclass with ``loss(views, samples)``. Encoder and head are found under
    ``backbone`` and ``head``, the teacher's under ``target.module.backbone`` and
    ``target.module.head``. ``TargetUpdateHook`` moves the teacher and tells it the length of the
    schedule, from which its temperature follows, too: a resumed run goes on exactly.

    Args:
        backbone: Encoder; its last output is a map (N, C, h, w), which is averaged, or a vector.
        head: Config of :class:`~poodle_mm.models.heads.dino_head.DINOHead`.
        momentum: First momentum of the teacher, rising to 1.
        temperature: The student's.
        teacher_temperature: The teacher's before and after its warm-up.
        warmup: Share of the full schedule over which it rises linearly.
        centre_momentum: See :class:`~poodle_mm.models.heads.centre.Centre`.
        global_views: Views that the teacher sees: the first ones.
        data_preprocessor: Config of ``mmpretrain.SelfSupDataPreprocessor``.
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        momentum: float = 0.996,
        temperature: float = 0.1,
        teacher_temperature: tuple[float, float] = (0.04, 0.04),
        warmup: float = 0.0,
        centre_momentum: float = 0.9,
        global_views: int = 2,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        if isinstance(data_preprocessor, dict):
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if min(temperature, *teacher_temperature) <= 0:
            raise ValueError(
                'temperature and teacher_temperature must be positive, got '
                f'{temperature} and {teacher_temperature}'
            )
        if not 0 <= warmup <= 1:
            raise ValueError(f'warmup is a share of the schedule, 0 to 1, got {warmup}')
        self.backbone = MODELS.build(backbone)
        self.head = MODELS.build(head)
        self.temperature = temperature
        self.teacher_temperatures = tuple(teacher_temperature)
        self.warmup = warmup
        self.global_views = global_views
        self.centre = Centre(self.head.out_channels, centre_momentum)
        self.target = CosineMomentumEMA(self.online, momentum)
        for module in self.target.modules():
            if isinstance(module, DropPath):
                module.drop_prob = 0.0  # the teacher drops nothing

    @property
    def online(self) -> nn.ModuleDict:
        """The student's modules."""
        return nn.ModuleDict(dict(backbone=self.backbone, head=self.head))

    @property
    def teacher(self) -> nn.ModuleDict:
        """The teacher's modules."""
        return self.target.module

    @property
    def teacher_temperature(self) -> float:
        """The teacher's temperature before the next step."""
        start, end = self.teacher_temperatures
        steps = self.warmup and self.warmup * (self.target.total_steps or 0)
        share = min(self.target.step_count / steps, 1.0) if steps else 1.0
        return start + share * (end - start)

    def init_weights(self) -> None:
        """Initialise or load the student's weights, then copy them into the teacher.

        Raises:
            ValueError: If a pretrained encoder's checkpoint lacks keys (see ``check_pretrained``).
        """
        super().init_weights()
        check_pretrained(self.backbone)
        self.target.copy_parameters(self.online)

    def update_target(self) -> None:
        """One EMA step of the teacher; call it after each optimizer step."""
        self.target.update_parameters(self.online)

    def forward(
        self, inputs: list[Tensor] | Tensor, data_samples: list | None = None, mode: str = 'loss'
    ) -> dict[str, Tensor] | tuple[Tensor, ...]:
        """``mode='loss'``: views to losses; ``mode='tensor'``: images to the encoder's outputs."""
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'tensor':
            return tuple(self.backbone(inputs))
        name = type(self).__name__
        raise ValueError(f"{name}'s forward knows the modes 'loss' and 'tensor', not {mode!r}")

    def loss(self, views: list[Tensor], samples: list) -> dict[str, Tensor]:
        """Losses and statistics of a batch of views."""
        raise NotImplementedError

    @torch.no_grad()
    def statistics(self, probabilities: Tensor, logits: Tensor) -> dict[str, Tensor]:
        """What shows a collapse, to be logged: see the functions of ``geometry``.

        Args:
            probabilities: (..., K) of the teacher.
            logits: (..., K) of the student, for the same views.
        """
        student = (logits.detach().float() / self.temperature).softmax(dim=-1)
        return dict(
            teacher_entropy=relative_entropy(probabilities),
            student_entropy=relative_entropy(student),
            information=information(probabilities),
            teacher_temperature=student.new_full((), self.teacher_temperature),
        )


def encode_views(backbone: nn.Module, views: Sequence[Tensor]) -> Tensor:
    """One vector of each view: the encoder's last output, averaged over space if it is a map.

    Args:
        backbone: Encoder.
        views: (N, 3, H, W) each; neighbours of one size go through the encoder together.

    Returns:
        (views, N, C).
    """
    vectors = []
    for _, same in groupby(views, key=lambda view: view.shape):
        batch = list(same)
        feats = backbone(torch.cat(batch))[-1]
        feats = feats.mean(dim=(2, 3)) if feats.ndim == 4 else feats
        vectors.append(feats.unflatten(0, (len(batch), -1)))
    return torch.cat(vectors)
