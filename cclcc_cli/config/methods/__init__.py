"""What a recipe may say of each method: one file each, with its options, source and clause.

``cclcc_cli.methods`` has a file of the same name for each, which trains it.
"""

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.methods.bcp import BcpRecipe
from cclcc_cli.config.methods.clcc import ClccRecipe
from cclcc_cli.config.methods.cps import CpsRecipe
from cclcc_cli.config.methods.entropy import EntropyRecipe
from cclcc_cli.config.methods.fixmatch import FixMatchRecipe
from cclcc_cli.config.methods.ict import IctRecipe
from cclcc_cli.config.methods.image_contrast import ImageContrastRecipe
from cclcc_cli.config.methods.mean_teacher import MeanTeacherRecipe
from cclcc_cli.config.methods.patch_contrast import PatchContrastRecipe
from cclcc_cli.config.methods.point_contrast import PointContrastRecipe
from cclcc_cli.config.methods.supervised import SupervisedRecipe
from cclcc_cli.config.methods.uamt import UamtRecipe
from cclcc_cli.config.methods.unimatch import UniMatchRecipe
from cclcc_cli.config.methods.urpc import UrpcRecipe

BUILT_IN: tuple[type[BaseRecipe], ...] = (
    SupervisedRecipe,
    ClccRecipe,
    MeanTeacherRecipe,
    UamtRecipe,
    CpsRecipe,
    EntropyRecipe,
    FixMatchRecipe,
    UniMatchRecipe,
    UrpcRecipe,
    IctRecipe,
    BcpRecipe,
    ImageContrastRecipe,
    PatchContrastRecipe,
    PointContrastRecipe,
)
"""The one list of methods, in reading order."""
