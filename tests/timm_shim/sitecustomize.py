"""Lets timm be imported where torchvision's compiled part does not load beside the torch there is.

torchvision then fails as it registers what its operators do, since nobody has declared them.
timm's encoders use none of them, so declaring them is enough. Python runs this file in every
process whose PYTHONPATH has its folder; nothing happens until torchvision is imported, or where
its compiled part loads.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_libraries = []


class _DeclareOperators(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            spec = PathFinder.find_spec(fullname)
            if spec is not None:
                _declare(spec)


def _declare(spec: ModuleSpec) -> None:
    import torch

    if hasattr(torch.ops.torchvision, "nms"):
        return
    try:
        torch.ops.load_library(Path(spec.submodule_search_locations[0]) / "_C.so")
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _libraries.append(library)  # the declarations live as long as it does


sys.meta_path.insert(0, _DeclareOperators())
