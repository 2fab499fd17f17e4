"""Networks of MONAI, cut before their last convolution."""

from typing import Literal, final

from torch import Tensor, nn

from cclcc_cli.errors import RunError
from cclcc_cli.models.network import Network


@final
class MonaiNetwork(Network):
    """A network of MONAI whose last convolution is replaced by our head.

    Args:
        name: which one.
        width: channels of its first stage.
        num_classes: K, logits per pixel.

    Raises:
        RunError: MONAI is not installed.
    """

    def __init__(
        self, name: Literal["basic_unet", "segresnet"], width: int, num_classes: int
    ) -> None:
        try:
            from monai.networks.nets.basic_unet import BasicUNet
            from monai.networks.nets.segresnet import SegResNet
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "monai":
                raise
            raise RunError(
                "model.kind = monai: MONAI is not installed; pip install 'cclcc[monai]'"
            ) from None
        super().__init__()
        self.feature_channels = width
        body: nn.Module
        if name == "basic_unet":
            widths = (width, width, 2 * width, 4 * width, 8 * width, width)
            body = BasicUNet(2, 3, num_classes, widths)
            body.final_conv = nn.Identity()
        else:
            body = SegResNet(2, width, 3, num_classes)
            body.conv_final = nn.Sequential(*list(body.conv_final)[:-1])
        self.body = body
        self.head = nn.Conv2d(width, num_classes, 1)

    def features(self, images: Tensor) -> Tensor:
        last: Tensor = self.body(images)
        return last
