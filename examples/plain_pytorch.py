"""PooDLe in a plain PyTorch loop: a folder of videos in, an encoder's state dict out.

python examples/plain_pytorch.py VIDEOS encoder.pth --device cuda --flow raft --amp
python examples/plain_pytorch.py VIDEOS encoder.pth --network resnet18 --size 64 128 --batch 2 \\
    --steps 10                                       # some seconds on a CPU

``torchvision.models.resnet50().load_state_dict(torch.load('encoder.pth'), strict=False)`` takes the
file; only the classifier is missing. tools/train.py has what this leaves out: recipes, several
GPUs, resuming, a log.
"""

import argparse
import math

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.models import get_model
from torchvision.models.feature_extraction import create_feature_extractor

from poodle_mm.datasets import (
    FramePairDataset,
    PackFramePair,
    PairRandomCrop,
    PairSampler,
    frame_pair_collate,
)
from poodle_mm.engine.weight_decay import split_by_decay
from poodle_mm.flow import DISFlow, RAFTFlow
from poodle_mm.models import CosineMomentumEMA, DenseFlowHead, PooledHead, SpatialDecoderModule
from poodle_mm.views import FramePairPreprocessor


class PlainPooDLe(nn.Module):
    """Online network, target network and both objectives.

    Args:
        network: Name of one of torchvision's ResNets.
        steps: Length of the schedule.
    """

    def __init__(self, network: str, steps: int) -> None:
        super().__init__()
        resnet = get_model(network)
        channels = resnet.fc.in_features
        self.encoder = create_feature_extractor(resnet, ['layer2', 'layer3', 'layer4'])
        self.decoder = SpatialDecoderModule([channels // 4, channels // 2, channels])
        self.dense, self.pooled = DenseFlowHead(channels), PooledHead(channels)
        self.target = CosineMomentumEMA(self.averaged(), momentum=0.996, total_steps=steps)

    def averaged(self) -> nn.ModuleDict:
        """The modules of which the target network is an average: all but the predictors."""
        parts = dict(encoder=self.encoder, decoder=self.decoder)
        return nn.ModuleDict(parts | dict(dense=self.dense.projector, pooled=self.pooled.projector))

    @staticmethod
    def project(net: nn.ModuleDict, images: Tensor, subcrops: Tensor) -> tuple[Tensor, Tensor]:
        """Dense projections of the images, and a projection of each subcrop."""
        dense = net['decoder'](list(net['encoder'](images).values()))[0]
        return net['dense'](dense), net['pooled'](net['encoder'](subcrops)['layer4'])

    def forward(self, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """Losses and their statistics; ``docs/architecture.md`` lists the views."""
        images = views['dense'].flatten(0, 1)  # of frames t, then of frames t+Δ
        subcrops, partners = views['subcrops'].flatten(1, 3)
        dense, pooled = self.project(self.averaged(), images, subcrops)
        dense, pooled = self.dense.predictor(dense), self.pooled.predictor(pooled)
        with torch.no_grad():
            targets = self.project(self.target.module, images, partners)
        # (2, ...): from t to t+Δ, and back.
        dense, pooled, *targets = (x.unflatten(0, (2, -1)) for x in (dense, pooled, *targets))
        where = views['affine'], views['flow'], views['visible']
        return self.dense.loss(dense, targets[0], *where) | self.pooled.loss(pooled, targets[1])


def batches_of(videos: str, size: tuple[int, int], batch: int) -> DataLoader:
    """Random pairs of frames half a second to a second apart, without end."""
    # 0.16 to 0.45 of a 16:9 frame, whatever the size.
    crop = PairRandomCrop(size, scale=(0.75, 1.25), short_side=1080 * size[0] // 512)
    data = FramePairDataset(
        videos, delta=(0.5, 1.0), delta_unit='seconds', pipeline=[crop, PackFramePair()]
    )
    order = PairSampler(data, seed=0, infinite=True)
    return DataLoader(data, batch, sampler=order, num_workers=2, collate_fn=frame_pair_collate)


def train(args: argparse.Namespace) -> None:
    """Train from random weights and write the encoder."""
    torch.manual_seed(0)
    flow = RAFTFlow(num_updates=24) if args.flow == 'raft' else DISFlow()
    subcrops = dict(num=6, size=args.size[0] * 3 // 8)  # 192 pixels at 512 x 1024
    make_views = FramePairPreprocessor(flow, subcrops=subcrops).to(args.device)
    model = PlainPooDLe(args.network, args.steps).to(args.device)
    flat, matrices = split_by_decay(model)
    groups = [dict(params=flat, weight_decay=0), dict(params=matrices, weight_decay=0.01)]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, eps=4e-6)
    warmup = max(1, args.steps // 150)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda k: min(1, (k + 1) / warmup) * (1 + math.cos(math.pi * k / args.steps)) / 2,
    )
    batches = batches_of(args.videos, tuple(args.size), args.batch)
    for step, batch in zip(range(args.steps), batches):
        views = make_views(batch, training=True)['inputs']
        with torch.autocast(args.device, torch.bfloat16, enabled=args.amp):
            losses = model(views)
        optimizer.zero_grad()
        (losses['loss_dense'] + losses['loss_pool']).backward()
        optimizer.step()
        schedule.step()
        model.target.update_parameters(model.averaged())
        print(step + 1, *(f'{name} {value:.4f}' for name, value in losses.items()), flush=True)
    torch.save(model.cpu().encoder.state_dict(), args.out)


def main() -> None:
    """Read the command line; the defaults are the paper's, but for batch (128) and length."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('videos', help='folder of video files')
    parser.add_argument('out', help="file for the encoder's state dict")
    parser.add_argument('--network', default='resnet50', help="one of torchvision's ResNets")
    parser.add_argument('--size', type=int, nargs=2, default=[512, 1024], metavar=('H', 'W'))
    parser.add_argument('--batch', type=int, default=8, help='pairs')
    parser.add_argument('--steps', type=int, default=10_000)
    parser.add_argument('--lr', type=float, default=5e-4)
    parser.add_argument('--flow', choices=['dis', 'raft'], default='dis')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument('--amp', action='store_true', help='bfloat16')
    train(parser.parse_args())


if __name__ == '__main__':
    main()
