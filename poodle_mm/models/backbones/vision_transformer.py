"""mmpretrain's Vision Transformer with masks, registers and the last layer's attention."""

from typing import NamedTuple

import torch
from mmengine.model.weight_init import trunc_normal_
from mmpretrain.models.backbones import VisionTransformer as MMPretrainVisionTransformer
from mmpretrain.models.utils import resize_pos_embed
from torch import Tensor, nn

from poodle_mm.registry import MODELS


class Attended(NamedTuple):
    """What the last layer makes of N images and how its class token got there.

    Attributes:
        class_token: (N, C) after the final norm.
        patches: (N, C, h, w) patch tokens after the final norm.
        attention: (N, heads, h, w) weights of the class token on the patches, in [0, 1]. They sum
            to 1 less what class token and registers get.
        query: (N, heads, C / heads) of the class token, in the last layer.
        queries, keys: (N, heads, C / heads, h, w) of the patches, in the last layer.
    """

    class_token: Tensor
    patches: Tensor
    attention: Tensor
    query: Tensor
    queries: Tensor
    keys: Tensor


@MODELS.register_module()
class VisionTransformer(MMPretrainVisionTransformer):
    """mmpretrain's ``VisionTransformer`` under its names, for self-supervised methods.

    Images may have any size (positions are resized), patches may be masked (iBOT, BEiT), and
    register tokens may take up what the network would write into patches of the background
    (`Vision Transformers Need Registers <https://arxiv.org/abs/2309.16588>`_). Registers come
    after the class token, have no positions and are no part of any output.

    Args:
        use_mask_token: Have a learned token for masked patches.
        num_registers: Register tokens.
        **kwargs: Arguments of ``mmpretrain.VisionTransformer``.
    """

    def __init__(self, *, use_mask_token: bool = False, num_registers: int = 0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_registers = num_registers
        self.mask_token = self._token(1) if use_mask_token else None
        self.register_tokens = self._token(num_registers) if num_registers else None

    def _token(self, number: int) -> nn.Parameter:
        return nn.Parameter(torch.zeros(1, number, self.embed_dims))

    def init_weights(self) -> None:
        """Draw weights as DINO and iBOT do (normal, 0.02), unless they are loaded."""
        super().init_weights()
        if isinstance(self.init_cfg, dict) and self.init_cfg['type'] == 'Pretrained':
            return
        for token in (self.cls_token, self.register_tokens):
            if token is not None:
                trunc_normal_(token, std=0.02)
        for module in self.layers.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """Compute the outputs of ``out_type`` at ``out_indices``.

        Args:
            images: (N, 3, H, W), normalised.
            mask: (N, h, w) bool, patches to replace by the mask token.

        Raises:
            ValueError: If there is a mask and no mask token, or if it does not fit the patches.
        """
        x, grid = self._embed(images, mask)
        outs = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i == self.num_layers - 1 and self.final_norm:
                x = self.ln1(x)
            if i in self.out_indices:
                outs.append(self._format_output(x, grid))
        return tuple(outs)

    def tokens(self, images: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Class token (N, C) and patch map (N, C, h, w) of the last layer, whatever ``out_type``.

        Args:
            images, mask: See :meth:`forward`.
        """
        x, grid = self._embed(images, mask)
        return self._split(self._norm(self.layers[-1](self._before_last(x))), grid)

    def attend(self, images: Tensor, mask: Tensor | None = None) -> Attended:
        """As :meth:`tokens`, with the class token's attention in the last layer.

        Args:
            images, mask: See :meth:`forward`.
        """
        x, grid = self._embed(images, mask)
        x = self._before_last(x)
        last = self.layers[-1]
        qkv = last.attn.qkv(last.ln1(x)).unflatten(-1, (3, last.attn.num_heads, -1))
        queries, keys = qkv[:, :, :2].permute(2, 0, 3, 4, 1)  # (N, heads, d, tokens) each
        query = queries[..., 0]
        scores = torch.einsum('nhd,nhdt->nht', query, keys) * query.shape[-1] ** -0.5
        attention, keys = scores.softmax(-1)[..., self._extra :], keys[..., self._extra :]
        return Attended(
            *self._split(self._norm(last(x)), grid),
            attention.unflatten(-1, grid),
            query,
            queries[..., self._extra :].unflatten(-1, grid),
            keys.unflatten(-1, grid),
        )

    @property
    def _extra(self) -> int:
        """Tokens before the patches'."""
        return self.num_extra_tokens + self.num_registers

    def _embed(self, images: Tensor, mask: Tensor | None) -> tuple[Tensor, tuple[int, int]]:
        """(N, 1 + registers + h * w, C) input of the first layer, and (h, w)."""
        x, grid = self.patch_embed(images)
        if mask is not None:
            if self.mask_token is None:
                raise ValueError('VisionTransformer has no mask token: set use_mask_token=True')
            if mask.shape != (len(x), *grid):
                raise ValueError(
                    f'masks {tuple(mask.shape)} do not fit {len(x)} images of {grid} patches: give '
                    f'BlockMasks size={grid}'
                )
            x = torch.where(mask.flatten(1)[..., None], self.mask_token.to(x.dtype), x)
        if self.cls_token is not None:
            x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1)
        x = x + resize_pos_embed(
            self.pos_embed,
            self.patch_resolution,
            grid,
            mode=self.interpolate_mode,
            num_extra_tokens=self.num_extra_tokens,
        )
        if self.register_tokens is not None:
            first, patches = x.tensor_split([self.num_extra_tokens], dim=1)
            x = torch.cat([first, self.register_tokens.expand(len(x), -1, -1), patches], dim=1)
        return self.pre_norm(self.drop_after_pos(x)), grid

    def _before_last(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = layer(x)
        return x

    def _norm(self, x: Tensor) -> Tensor:
        return self.ln1(x) if self.final_norm else x

    def _split(self, x: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        patches = x[:, self._extra :].transpose(1, 2).unflatten(-1, grid)
        return x[:, 0], patches

    def _format_output(self, x: Tensor, hw: tuple[int, int]) -> Tensor:
        if self.num_registers:
            x = torch.cat([x[:, : self.num_extra_tokens], x[:, self._extra :]], dim=1)
        return super()._format_output(x, hw)

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """mmpretrain's depth of a parameter; mask token and registers lie with the class token."""
        if param_name in (f'{prefix}mask_token', f'{prefix}register_tokens'):
            param_name = f'{prefix}cls_token'
        return super().get_layer_depth(param_name, prefix)
