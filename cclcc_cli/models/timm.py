"""A U-Net decoder on any encoder of timm that gives maps from its inside."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cclcc_cli.config.model import Normalization, TimmModel
from cclcc_cli.config.schema import POOLING_FACTOR
from cclcc_cli.errors import RunError
from cclcc_cli.models.network import EncoderDecoder, initialize_kaiming
from cclcc_cli.models.weights import match_weights, read_weights

Upsampling = Literal["bilinear", "nearest"]
_PYRAMID = (4, 8, 16, 32)
"""What the maps of an encoder that does not pool are resized to, as shares of the image's side."""


class _Float32OnCpu:
    """Before a convolution's class: under autocast a CPU computes it in float32 all the same.

    oneDNN's half-precision gradients of depthwise convolutions take 5 times as long as those in
    float32, and up to 15 times with strides.
    """

    def forward(self, x: Tensor) -> Tensor:
        alone = super().forward  # type: ignore[misc]
        if x.device.type != "cpu":
            return alone(x)  # type: ignore[no-any-return]
        with torch.autocast("cpu", enabled=False):
            return alone(x.float()).to(x.dtype)  # type: ignore[no-any-return]


def _speed_up_depthwise(encoder: nn.Module) -> None:
    """Change the class of depthwise convolutions, so that copies of the network have it too."""
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels:
            kind = type(module)
            module.__class__ = type(kind.__name__, (_Float32OnCpu, kind), {})


class _DecoderStage(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, upsampling: Upsampling) -> None:
        super().__init__()
        self._upsampling = upsampling
        pairs = [(in_channels, out_channels), (out_channels, out_channels)]
        self.fuse = nn.Sequential(*(
            layer for a, b in pairs for layer in (
                nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)
            )
        ))

    def forward(self, deep: Tensor, skip: Tensor | None, size: tuple[int, int]) -> Tensor:
        raised = _resize(deep, size, self._upsampling)
        fused: Tensor = self.fuse(raised if skip is None else torch.cat([raised, skip], dim=1))
        return fused


@final
class TimmNetwork(EncoderDecoder):
    """Segments images of any side that its encoder takes (see ``check_sides``).

    The decoder doubles the side stage by stage up to the image's, and takes up the encoder's map
    of each side on the way, where there is one. Where a map's side was odd, it is resized to the
    finer map's instead of doubled.

    Args:
        config: the recipe's block.

    Raises:
        RunError: timm is not installed, or does not have the encoder or its weights; a file does
            not fit.
    """

    encoder: Any

    def __init__(self, config: TimmModel) -> None:
        super().__init__()
        self.encoder, self._reductions = _build_encoder(config)
        _speed_up_depthwise(self.encoder)
        channels = self.encoder.feature_info.channels()
        self._resizes = len(set(self._reductions)) < len(self._reductions)
        if self._resizes:
            self._reductions = _PYRAMID
        widths = _decoder_widths(config, self._reductions[-1])
        strides = [self._reductions[-1] >> n for n in range(1, len(widths) + 1)]
        skips = dict(zip(self._reductions[:-1], channels[:-1], strict=True))
        self._strides = strides
        inputs = [channels[-1], *widths[:-1]]
        self.decoder = nn.ModuleList(
            _DecoderStage(before + skips.get(stride, 0), width, config.upsampling)
            for before, stride, width in zip(inputs, strides, widths, strict=True)
        )
        self.head = nn.Conv2d(widths[-1], config.num_classes, 1)
        self.feature_channels = widths[-1]
        self.encoder_channels = channels[-1]
        self.decoder_channels = widths
        self.normalization = config.normalization or _own_normalization(config.encoder)
        initialize_kaiming(self.decoder)

    def encode(self, images: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.encoder(images)
        if self._resizes:
            maps = [_resize(m, _reduced(images, r), "bilinear")
                    for m, r in zip(maps, self._reductions, strict=True)]
        return maps

    def decode(self, encoded: Sequence[Tensor]) -> list[Tensor]:
        skips = dict(zip(self._reductions, encoded, strict=True))
        finest = self._reductions[0]
        height, width = (finest * side for side in encoded[0].shape[2:])
        maps: list[Tensor] = []
        x = encoded[-1]
        for stage, stride in zip(self.decoder, self._strides, strict=True):
            x = stage(x, skips.get(stride), (-(-height // stride), -(-width // stride)))
            maps.append(x)
        return maps


def describe_pretrained(encoder: str) -> dict[str, Any]:
    """Which of timm's weights ``imagenet`` means here: what their name stands for, and from where.

    Raises:
        RunError: timm is not installed, does not have the encoder, or has no weights for it.
    """
    config = _pretrained_config(encoder)
    if not (config.hf_hub_id or config.url):
        raise RunError(f"model.encoder = {encoder}: timm has no weights for it; set "
                       "model.weights to none or to a file")
    return {"encoder": config.architecture, "tag": config.tag, "hub": config.hf_hub_id,
            "url": config.url}


@lru_cache(maxsize=64)
def check_sides(encoder: str, sides: tuple[int, ...]) -> None:
    """Refuse images, or patches, of sides in pixels that an encoder does not take.

    It takes a side if each of its maps covers the whole image: not all do for small sides.

    Raises:
        RunError: names the sides it takes; or as ``TimmNetwork``.
    """
    body, _ = _build_encoder(TimmModel(kind="timm", encoder=encoder, weights="none"))
    for side in sides:
        if not _takes(body, side):
            allowed = [s for s in range(POOLING_FACTOR, max(sides) + 1, POOLING_FACTOR)
                       if _takes(body, s)]
            raise RunError(
                f"model.encoder = {encoder} does not take images or patches of {side} pixels; of "
                f"sides up to {max(sides)} it takes {', '.join(map(str, allowed)) or 'none'}"
            )


@torch.inference_mode()
def _takes(encoder: nn.Module, side: int) -> bool:
    images = torch.zeros(1, 3, side, side)
    try:
        maps = encoder.eval()(images)
    except (RuntimeError, AssertionError):  # each kind of layer refuses in its own way
        return False
    reductions = encoder.feature_info.reduction()  # type: ignore[union-attr, operator]
    pools = len(set(reductions)) == len(reductions)
    return not pools or all(
        m.shape[2:] == _reduced(images, r) for m, r in zip(maps, reductions, strict=True)
    )


def _timm() -> Any:
    try:
        import timm
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("timm", "torchvision"):
            raise
        raise RunError(
            "model.kind = timm: timm is not installed; pip install 'cclcc[timm]'"
        ) from None
    except RuntimeError as error:  # torchvision's, where its compiled part does not load
        raise RunError(
            f"model.kind = timm: timm cannot be loaded ({str(error).splitlines()[0]}); install the "
            f"torchvision that was built for torch {torch.__version__}"
        ) from None
    return timm


@lru_cache(maxsize=64)
def _pretrained_config(encoder: str) -> Any:
    timm = _timm()
    if not timm.is_model(encoder):
        near = timm.list_models(f"*{encoder.partition('.')[0]}*")[:5]
        hint = f"; near it: {', '.join(near)}" if near else "; timm.list_models() has their names"
        raise RunError(f"model.encoder = {encoder}: timm {timm.__version__} has none of this "
                       f"name{hint}")
    try:
        config = timm.get_pretrained_cfg(encoder)
    except RuntimeError as error:
        raise RunError(f"model.encoder = {encoder}: {error} Leave the part after the dot out for "
                       "the usual weights") from None
    return config


def _own_normalization(encoder: str) -> Normalization:
    config = _pretrained_config(encoder)
    return Normalization(mean=tuple(config.mean), std=tuple(config.std))


def _build_encoder(config: TimmModel) -> tuple[Any, tuple[int, ...]]:
    """The encoder with the weights that a recipe asks for, and each map's share of a side."""
    name = config.encoder
    _pretrained_config(name)
    body = _features(name)
    if config.weights == "imagenet":
        body.load_state_dict(_download(name).state_dict())
    elif config.weights != "none":
        key = "model.weights"
        given = read_weights(Path(config.weights), key)
        own = body.state_dict()
        body.load_state_dict(own | match_weights(own, given, f"{key} = {config.weights}"))
    return body, tuple(body.feature_info.reduction())


def _features(name: str, **options: Any) -> Any:
    """An encoder that gives its maps."""
    create = _timm().create_model
    try:
        body = create(name, features_only=True, **options)
        if len(set(body.feature_info.reduction())) > 1:
            return body
        # It does not pool, as a vision transformer: four maps along its depth.
        depth = len(body.feature_info.info)
        places = tuple(depth * n // len(_PYRAMID) - 1 for n in range(1, len(_PYRAMID) + 1))
        return create(name, features_only=True, out_indices=places, dynamic_img_size=True,
                      dynamic_img_pad=True, **options)
    except (AttributeError, RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise RunError(f"model.encoder = {name}: does not give maps from its inside "
                       f"({str(error).splitlines()[0]}); take another encoder") from None


def _download(name: str) -> nn.Module:
    """The encoder with timm's own weights, from the cache or else from where timm keeps them."""
    config = _pretrained_config(name)
    with torch.random.fork_rng(devices=[]):
        try:
            where = {"file": _hub_file(config)} if config.hf_hub_id else {}
            body: nn.Module = _features(name, pretrained=True, pretrained_cfg_overlay=where)
        except Exception as error:  # what clients of a network raise has no class in common
            reason = " ".join(str(error).split()) or type(error).__name__
            page = f"https://huggingface.co/{config.hf_hub_id}" if config.hf_hub_id else config.url
            raise RunError(
                f"model.weights = imagenet: those of {name} are not in the cache and cannot be "
                f"downloaded; fetch {page} ({_hub_name(config)}) elsewhere and give the file: "
                f"--set model.weights=FILE ({reason})"
            ) from None
    return body


def _hub_name(config: Any) -> str:
    return config.hf_hub_filename or "model.safetensors"


def _hub_file(config: Any) -> str:
    """A file of the hub, asked for only where it is not in the cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.ERROR)  # it tells of every try, and the last one's failure is raised
    try:
        return hf_hub_download(config.hf_hub_id, _hub_name(config), local_files_only=True)
    except LocalEntryNotFoundError:
        return hf_hub_download(config.hf_hub_id, _hub_name(config))
    finally:
        log.setLevel(level)


def _decoder_widths(config: TimmModel, reduction: int) -> tuple[int, ...]:
    """One width for each doubling up to the image's side, coarsest first."""
    doublings = reduction.bit_length() - 1
    if 1 << doublings != reduction or doublings > len(config.decoder_widths):
        raise RunError(
            f"model.encoder = {config.encoder}: its last map has 1/{reduction} of the image's "
            f"side; model.decoder_widths needs a width for each of {doublings} doublings, and has "
            f"{len(config.decoder_widths)}"
        )
    return config.decoder_widths[-doublings:]


def _resize(x: Tensor, size: tuple[int, int], mode: Upsampling) -> Tensor:
    if x.shape[2:] == size:
        return x
    return F.interpolate(x, size=size, mode=mode,
                         align_corners=False if mode == "bilinear" else None)


def _reduced(images: Tensor, reduction: int) -> tuple[int, int]:
    height, width = images.shape[2:]
    return -(-height // reduction), -(-width // reduction)
