"""A model on paper of 16 and 128 GPUs: what crosses the network, what the loaders must read."""

from dataclasses import dataclass

from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks.networks import build, model_config
from benchmarks.result import Options


@dataclass(frozen=True)
class Cluster:
    """Assumptions of the model; none of it is measured here.

    Attributes:
        gpus_per_node: GPUs with a fast link among them.
        node_bandwidth: Bytes per second that a node sends to another one (8 x 200 Gbit/s).
        latency: Seconds of one small collective over all GPUs.
        pairs_per_gpu: Batch of a GPU.
        pairs_per_second: Rate of a GPU alone.
        video_bytes: Size of one 40 s video (BDD100K: about 1.3 TB / 70,000).
        pair_bytes: Part of it that is read for a pair: the header, and 37 frames on average from a
            keyframe to t + Δ where every 30th is one.
    """

    gpus_per_node: int = 8
    node_bandwidth: float = 200e9
    latency: float = 50e-6
    pairs_per_gpu: int = 8
    pairs_per_second: float = 25.0
    video_bytes: float = 18e6
    pair_bytes: float = 0.6e6


def gradient_bytes(model) -> int:
    """Bytes of the gradients that are averaged once a step."""
    return sum(4 * p.numel() for p in model.parameters() if p.requires_grad)


def batch_norm_traffic(model) -> tuple[int, int]:
    """Collectives and bytes (received by a GPU per other GPU) of SyncBN in one step.

    Forward, each layer gathers mean, inverse deviation and count (2C + 1 floats) from all;
    backward, each online layer adds up 2C floats. The encoder runs twice: on views and subcrops.
    """
    calls = size = 0
    for name, module in model.named_modules():
        if not isinstance(module, _BatchNorm):
            continue
        passes = 2 if 'backbone' in name else 1
        backward = 0 if name.startswith('target') else passes
        calls += passes + backward
        size += 4 * (passes * (2 * module.num_features + 1) + backward * 2 * module.num_features)
    return calls, size


def step_share(gpus: int, gradient: int, calls: int, cluster: Cluster) -> tuple[float, float]:
    """Seconds of gradient averaging (ring over nodes) and of SyncBN's collectives in a step."""
    nodes = max(1, gpus // cluster.gpus_per_node)
    ring = 2 * (nodes - 1) / nodes * gradient / cluster.node_bandwidth
    return ring, calls * cluster.latency


def cluster_notes(options: Options) -> list[str]:
    """The model in words, for the paper's network."""
    cluster = Cluster()
    model = build(model_config(Options(configs=options.configs)), 'cpu')
    gradient, (calls, size) = gradient_bytes(model), batch_norm_traffic(model)
    step = cluster.pairs_per_gpu / cluster.pairs_per_second
    notes = [
        f'On paper (ResNet-50): {gradient / 1e6:.0f} MB of gradients a step, averaged while the '
        f'backward pass runs; SyncBN: {calls} small collectives and {size / 1e6:.2f} MB from each '
        'other GPU a step.'
    ]
    for gpus in (16, 128):
        ring, norms = step_share(gpus, gradient, calls, cluster)
        rate = gpus * cluster.pairs_per_second
        notes.append(
            f'On paper, {gpus} GPUs of {cluster.pairs_per_gpu} pairs at '
            f'{cluster.pairs_per_second:.0f} pairs/s each: a step is {1e3 * step:.0f} ms; '
            f'averaging {1e3 * ring:.1f} ms (hidden), SyncBN {1e3 * norms:.0f} ms '
            f'({100 * norms / step:.0f} %, not hidden); {rate:.0f} pairs/s are needed, '
            f'{rate * cluster.pair_bytes / 1e9:.2f} GB/s from storage where the header tells the '
            f'frames, {rate * cluster.video_bytes / 1e9:.1f} GB/s where files are demuxed whole.'
        )
    return notes
