"""Ways to learn: one file per method, one protocol."""

from typing import assert_never

from cclcc_cli.config import recipes
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.bcp import build_bcp
from cclcc_cli.methods.clcc import build_clcc
from cclcc_cli.methods.cps import build_cps
from cclcc_cli.methods.entropy import build_entropy
from cclcc_cli.methods.fixmatch import build_fixmatch
from cclcc_cli.methods.ict import build_ict
from cclcc_cli.methods.image_contrast import build_image_contrast
from cclcc_cli.methods.mean_teacher import build_mean_teacher
from cclcc_cli.methods.patch_contrast import build_patch_contrast
from cclcc_cli.methods.point_contrast import build_point_contrast
from cclcc_cli.methods.supervised import build_supervised
from cclcc_cli.methods.uamt import build_uamt
from cclcc_cli.methods.unimatch import build_unimatch
from cclcc_cli.methods.urpc import build_urpc

__all__ = ["Batch", "Loss", "Method", "Moment", "build_method"]


def build_method(recipe: recipes.AnyRecipe) -> Method:
    """The method a recipe describes, with fresh weights from torch's current random state.

    The student's are drawn first, so that all methods start from the same one.
    """
    match recipe:
        case recipes.SupervisedRecipe():
            return build_supervised(recipe)
        case recipes.ClccRecipe():
            return build_clcc(recipe)
        case recipes.MeanTeacherRecipe():
            return build_mean_teacher(recipe)
        case recipes.UamtRecipe():
            return build_uamt(recipe)
        case recipes.CpsRecipe():
            return build_cps(recipe)
        case recipes.EntropyRecipe():
            return build_entropy(recipe)
        case recipes.FixMatchRecipe():
            return build_fixmatch(recipe)
        case recipes.UniMatchRecipe():
            return build_unimatch(recipe)
        case recipes.UrpcRecipe():
            return build_urpc(recipe)
        case recipes.IctRecipe():
            return build_ict(recipe)
        case recipes.BcpRecipe():
            return build_bcp(recipe)
        case recipes.ImageContrastRecipe():
            return build_image_contrast(recipe)
        case recipes.PatchContrastRecipe():
            return build_patch_contrast(recipe)
        case recipes.PointContrastRecipe():
            return build_point_contrast(recipe)
        case never:
            assert_never(never)
