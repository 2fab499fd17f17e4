"""One recipe class per method, told apart by ``method``."""

from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from cclcc_cli.config.base import BaseRecipe, StrongViews, TwoStreamRecipe
from cclcc_cli.config.clcc import Clcc, ImageContrast, PatchContrast, PointContrast, check_grid
from cclcc_cli.config.model import MonaiModel
from cclcc_cli.config.rivals import (
    Bcp,
    Cps,
    Entropy,
    FixMatch,
    Ict,
    MeanTeacher,
    Uamt,
    UniMatch,
    Urpc,
)
from cclcc_cli.config.schema import POOLING_FACTOR, LabeledBatch, Strong


class SupervisedRecipe(BaseRecipe):
    """The labelled images alone: the lower bound, or with labeled: 1.0 the upper."""

    source: ClassVar[str] = "the bound that every semi-supervised method must beat"
    binary: ClassVar[str] = "the BCE + Dice loss is written for one probability per pixel"

    method: Literal["supervised"]
    """Uses no unlabelled image."""
    batch: LabeledBatch = LabeledBatch()
    """Images of a step."""

    @property
    def fewest_images(self) -> int:
        return self.batch.labeled


class ClccRecipe(TwoStreamRecipe):
    """Whole image and patches teach each other: cross-level contrast and consistency."""

    source: ClassVar[str] = "CLCC, ISBI 2022, arXiv:2202.04074"

    method: Literal["clcc"]
    """Cross-level contrastive learning and consistency constraint."""
    clcc: Clcc = Clcc()
    """Its terms."""

    @property
    def sides(self) -> tuple[int, ...]:
        return (self.data.size, self.data.size // self.clcc.grid)

    @property
    def strong_views(self) -> StrongViews | None:
        view = self.clcc.patch_view
        return None if view is None else StrongViews(view, 1, of_labeled=True)

    @model_validator(mode="after")
    def _patches_fit(self) -> Self:
        check_grid("clcc", self.data.size, self.clcc.grid)
        if self.clcc.contrast_on == "encoder":
            self.check_inner_maps("clcc.contrast_on", "encoder", "decoder")
        strides, patch_side = self.clcc.projector_strides, self.data.size // self.clcc.grid
        if strides is not None and strides[0] * strides[1] * strides[2] != patch_side:
            raise ValueError(
                f"clcc.projector_strides = {list(strides)} must multiply to the patch side "
                f"{patch_side}; leave it out to have them chosen"
            )
        if isinstance(self.model, MonaiModel) and patch_side == POOLING_FACTOR:
            raise ValueError(
                f"clcc.grid = {self.clcc.grid} makes patches of {patch_side} pixels, of which "
                "MONAI's networks leave one, too few for InstanceNorm; take a smaller grid"
            )
        return self


class MeanTeacherRecipe(TwoStreamRecipe):
    """Consistency with a teacher that is the moving average of the student."""

    source: ClassVar[str] = "Tarvainen and Valpola, NeurIPS 2017, arXiv:1703.01780; SSL4MIS"

    method: Literal["mean_teacher"]
    """Mean Teacher."""
    mean_teacher: MeanTeacher = MeanTeacher()
    """Its term."""


class UamtRecipe(TwoStreamRecipe):
    """Mean Teacher where the teacher's entropy over noisy passes is low."""

    source: ClassVar[str] = "UA-MT, Yu et al., MICCAI 2019, arXiv:1907.07034; SSL4MIS"

    method: Literal["uamt"]
    """Uncertainty-aware Mean Teacher."""
    uamt: Uamt = Uamt()
    """Its term."""


class CpsRecipe(TwoStreamRecipe):
    """Two networks that start differently, each taught by the other's hard labels."""

    source: ClassVar[str] = "CPS, Chen et al., CVPR 2021, arXiv:2106.01226; SSL4MIS"

    method: Literal["cps"]
    """Cross pseudo supervision."""
    cps: Cps = Cps()
    """Its term."""


class EntropyRecipe(TwoStreamRecipe):
    """Entropy minimisation: predictions on unlabelled images are to be sure."""

    source: ClassVar[str] = "Vu et al., CVPR 2019, arXiv:1811.12833; SSL4MIS"

    method: Literal["entropy"]
    """Entropy minimisation."""
    entropy: Entropy = Entropy()
    """Its term."""


class FixMatchRecipe(TwoStreamRecipe):
    """Confident labels of the weak view teach the strong view."""

    source: ClassVar[str] = (
        "Sohn et al., NeurIPS 2020, arXiv:2001.07685; on pixels as in arXiv:2208.09910"
    )

    method: Literal["fixmatch"]
    """FixMatch."""
    strong: Strong = Strong()
    """The strong view."""
    fixmatch: FixMatch = FixMatch()
    """Its term."""

    @property
    def strong_views(self) -> StrongViews:
        return StrongViews(self.strong, 1)

    @model_validator(mode="after")
    def _has_partners(self) -> Self:
        if self.fixmatch.cutmix:
            self.check_partners("fixmatch.cutmix takes boxes from another image")
        return self


class UniMatchRecipe(TwoStreamRecipe):
    """FixMatch with two strong views and one of dropped features."""

    source: ClassVar[str] = "UniMatch, Yang et al., CVPR 2023, arXiv:2208.09910"

    method: Literal["unimatch"]
    """UniMatch."""
    strong: Strong = Strong()
    """The strong views."""
    unimatch: UniMatch = UniMatch()
    """Its terms."""

    @property
    def strong_views(self) -> StrongViews:
        return StrongViews(self.strong, 2)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.unimatch.cutmix:
            self.check_partners("unimatch.cutmix takes boxes from another image")
        if self.unimatch.dropout_at == "encoder":
            self.check_inner_maps("unimatch.dropout_at", "encoder", "last_map")
        return self


class UrpcRecipe(TwoStreamRecipe):
    """Predictions at several scales are pulled to their mean, less where they disagree."""

    source: ClassVar[str] = "URPC, Luo et al., MICCAI 2021, arXiv:2012.07042; SSL4MIS"

    method: Literal["urpc"]
    """Uncertainty-rectified pyramid consistency."""
    urpc: Urpc = Urpc()
    """Its term."""

    @model_validator(mode="after")
    def _has_scales(self) -> Self:
        if self.urpc.scales == "decoder":
            self.check_inner_maps("urpc.scales", "decoder", "pooled")
        return self


class IctRecipe(TwoStreamRecipe):
    """On a mixture of two images, the mixture of the teacher's two answers."""

    source: ClassVar[str] = "ICT, Verma et al., IJCAI 2019, arXiv:1903.03825; SSL4MIS"

    method: Literal["ict"]
    """Interpolation consistency training."""
    ict: Ict = Ict()
    """Its term."""

    @property
    def fewest_images(self) -> int:
        return self._fewest(self.batch.unlabeled // 2)

    @model_validator(mode="after")
    def _has_partners(self) -> Self:
        self.check_partners("ict mixes two images")
        return self


class BcpRecipe(TwoStreamRecipe):
    """Copy-paste both ways between labelled and unlabelled images, labels by a teacher."""

    source: ClassVar[str] = "BCP, Bai et al., CVPR 2023, arXiv:2305.00673"

    method: Literal["bcp"]
    """Bidirectional copy-paste."""
    bcp: Bcp = Bcp()
    """Its terms."""

    @property
    def fewest_images(self) -> int:
        return self.batch.labeled // 2

    @model_validator(mode="after")
    def _has_pairs(self) -> Self:
        labeled, unlabeled = self.batch.labeled, self.batch.unlabeled
        if labeled != unlabeled or labeled % 2:
            raise ValueError(
                f"batch = {labeled} labelled + {unlabeled} unlabelled: bcp pairs them both ways; "
                "give the same even number of each"
            )
        if self.batch_norm == "joint":
            raise ValueError(
                "batch_norm = joint: every image that bcp trains on mixes labelled and unlabelled "
                "pixels, so there is one stream; leave the key out"
            )
        return self


class _ViewContrastRecipe(TwoStreamRecipe):
    strong: Strong = Strong()
    """The strong view."""

    @property
    def strong_views(self) -> StrongViews:
        return StrongViews(self.strong, 1, of_labeled=True)


class ImageContrastRecipe(_ViewContrastRecipe):
    """Image-wise contrast: two views of an image against the other images of the batch."""

    source: ClassVar[str] = "SimCLR, Chen et al., ICML 2020, arXiv:2002.05709"

    method: Literal["image_contrast"]
    """The first of the three families that the CLCC paper sets itself against."""
    image_contrast: ImageContrast = ImageContrast()
    """Its term."""

    @model_validator(mode="after")
    def _runs_fit(self) -> Self:
        check_grid("image_contrast", self.data.size, self.image_contrast.grid)
        return self


class PatchContrastRecipe(_ViewContrastRecipe):
    """Patch-wise contrast: a run in two views against the other runs of its image."""

    source: ClassVar[str] = "PatchNCE, Park et al., ECCV 2020, arXiv:2007.15651"

    method: Literal["patch_contrast"]
    """The second."""
    patch_contrast: PatchContrast = PatchContrast()
    """Its term."""

    @model_validator(mode="after")
    def _runs_fit(self) -> Self:
        check_grid("patch_contrast", self.data.size, self.patch_contrast.grid)
        return self


class PointContrastRecipe(_ViewContrastRecipe):
    """Point-wise contrast: a pixel in two views against other pixels of its image."""

    source: ClassVar[str] = "as PixContrast, Xie et al., CVPR 2021, arXiv:2011.10043"

    method: Literal["point_contrast"]
    """The third."""
    point_contrast: PointContrast = PointContrast()
    """Its term."""

    @model_validator(mode="after")
    def _points_fit(self) -> Self:
        pixels = self.data.size**2
        if self.point_contrast.num_points > pixels:
            raise ValueError(
                f"point_contrast.num_points = {self.point_contrast.num_points}: an image has "
                f"{pixels} pixels"
            )
        return self


AnyRecipe = (
    SupervisedRecipe
    | ClccRecipe
    | MeanTeacherRecipe
    | UamtRecipe
    | CpsRecipe
    | EntropyRecipe
    | FixMatchRecipe
    | UniMatchRecipe
    | UrpcRecipe
    | IctRecipe
    | BcpRecipe
    | ImageContrastRecipe
    | PatchContrastRecipe
    | PointContrastRecipe
)
Recipe = Annotated[AnyRecipe, Field(discriminator="method")]
"""Any recipe, as a text gives it."""

METHODS: dict[str, type[BaseRecipe]] = {
    get_args(recipe.model_fields["method"].annotation)[0]: recipe for recipe in get_args(AnyRecipe)
}
"""The recipe class of each method, in reading order."""
