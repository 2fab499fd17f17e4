"""A run: one training, addressed by the digest of what determines its result."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, assert_never

from cclcc_cli.config.model import TimmModel
from cclcc_cli.config.plugins import scores_of, takes
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.config.schema import ContiguousSelection, NestedSelection
from cclcc_cli.data.audit import leaked_stems
from cclcc_cli.data.splits import Splits, contiguous_subset, nested_subset
from cclcc_cli.data.store import Store
from cclcc_cli.errors import RunError
from cclcc_cli.runs.records import (
    DataRecord,
    LabeledRecord,
    RecipeRecord,
    RunRecord,
    RuntimeRecord,
    SplitsRecord,
)
from cclcc_cli.runs.start import describe_start
from cclcc_cli.training.runtime import Runtime

FORMAT = 3
"""Raised when the same recipe on the same data no longer gives the same result."""

_LATER = {
    ("budget", "last_batch"): "keep",
    ("schedule", "epoch_step"): 0,
    ("model", "initialization"): "kaiming",
}
"""Keys that came when runs had been made: at these values a run is the one it was without them."""


@dataclass(frozen=True)
class RunSpec:
    """A recipe, the store it trains on, and how it is computed.

    Attributes:
        recipe: resolved.
        store: the data, whose size and name the recipe asked for.
        runtime: device and precision.
    """

    recipe: AnyRecipe
    store: Store
    runtime: Runtime

    @cached_property
    def splits(self) -> Splits:
        """The main splits of the store, or those of the recipe's fold.

        Raises:
            DataError: the store has no such fold.
        """
        return self.store.fold(self.recipe.data.fold)

    @cached_property
    def leaked(self) -> dict[str, tuple[str, ...]]:
        """For val and test: stems that show the same as an image used to train or to select."""
        drawn = self.splits if {*self.unlabeled} & {*self.splits.pool} else replace(
            self.splits, pool=())
        return {str(side): stems for side, stems in
                leaked_stems(self.store.audit.pairs, drawn).items()}

    @cached_property
    def labeled(self) -> tuple[str, ...]:
        """Stems of the training images that keep their labels."""
        data, splits = self.recipe.data, self.splits
        match data.selection:
            case NestedSelection(seed=seed):
                own = self.recipe.seed if seed == "run" else seed
                return nested_subset(splits, data.labeled, own)
            case ContiguousSelection(start=start):
                return contiguous_subset(splits, data.labeled, start)
            case never:
                assert_never(never)

    @cached_property
    def unlabeled(self) -> tuple[str, ...]:
        """Stems the unlabelled stream draws from; empty for a method without one.

        Raises:
            RunError: the method needs unlabelled images and there are none of the kind.
        """
        if not self.recipe.batch.unlabeled:
            return ()
        train, pool, chosen = self.splits.train, self.splits.pool, set(self.labeled)
        rest = tuple(stem for stem in train if stem not in chosen)
        kind = self.recipe.data.unlabeled
        drawn = {"rest": rest, "pool": pool, "rest+pool": rest + pool, "all": train + pool}[kind]
        if drawn:
            return drawn
        if kind == "pool":
            raise RunError(
                f"data.unlabeled = pool: every image of {self.store.info.name} has a mask; set "
                "data.unlabeled=rest, or add images without: cclcc prepare "
                f"{self.store.info.name} --add-unlabeled DIR"
            )
        others = "pool to use the images without a mask" if pool else (
            "all to use the labelled images without their labels as well")
        raise RunError(
            f"data.labeled = {self.recipe.data.labeled} labels all {len(train)} training "
            f"images and leaves none unlabelled for {self.recipe.method}; set "
            f"data.unlabeled={others}"
        )

    def check_data(self) -> None:
        """Find what would stop the training later on.

        Raises:
            DataError: the store lacks the fold or has fewer images than labels are asked for.
            RunError: a split or a stream would be empty, a process would have no image, the
                network does not take images of this size, or its initial weights are missing.
        """
        info = self.store.info
        if info.num_classes > 1:
            raise RunError(f"{self.store.path}: its masks tell {info.num_classes} classes apart; "
                           "methods segment foreground against background: prepare the data again "
                           "with --foreground and the values of one class")
        if self.store.has_ignored and not takes(self.recipe.supervised_loss, "counts"):
            raise RunError(f"supervised_loss.kind = {self.recipe.supervised_loss.kind}: the "
                           f"plug-in's loss takes no 'counts', and masks of {info.name} have "
                           "pixels that must not count; add counts=None to its parameters")
        if not self.splits.train:
            raise RunError(f"{self.store.path}: has no image to train on, it is for tests; "
                           "evaluate a run on it, or train on another store")
        if not self.splits.val:
            raise RunError(
                f"{self.store.path}: the validation split is empty, so no checkpoint can be "
                "chosen; prepare the data again with --val-share 0.1 --force"
            )
        _ = self.labeled, self.unlabeled, self.start
        if isinstance(self.recipe.model, TimmModel):
            from cclcc_cli.models.timm import check_sides  # loads torch

            check_sides(self.recipe.model.encoder, self.recipe.sides)
        batch, processes = self.recipe.batch, self.runtime.processes
        if self.recipe.data.size <= self.recipe.model.reduction and (
            self.recipe.fewest_images == 1
        ):
            raise RunError(
                f"data.size = {self.recipe.data.size} leaves a single pixel in the network's "
                f"deepest feature map, and {self.recipe.method} passes single images at this "
                "batch size: BatchNorm cannot learn from one value; double batch.labeled and "
                "batch.unlabeled"
            )
        for name, count in (("labeled", batch.labeled), ("unlabeled", batch.unlabeled)):
            if 0 < count < processes:
                raise RunError(
                    f"batch.{name} = {count} cannot be divided among {processes} processes: each "
                    f"needs at least one image; start at most {count}, or set batch.{name} to "
                    f"{processes} or more"
                )

    @cached_property
    def start(self) -> dict[str, Any]:
        """The initial weights, as plain values; empty where they are random.

        Raises:
            RunError: a file, a run or an encoder's weights are missing.
        """
        return describe_start(self.recipe.model)

    @property
    def _plain_recipe(self) -> dict[str, Any]:
        recipe = self.recipe.model_dump(mode="json")
        for (section, key), before in _LATER.items():
            if recipe[section].get(key) == before:
                del recipe[section][key]
        return recipe

    @property
    def identity(self) -> dict[str, Any]:
        """What determines the result, as plain values; the recipe's name is not part of it."""
        recipe = self._plain_recipe
        recipe["data"]["labeled"] = len(self.labeled)  # 0.1 of 800 and 80 are the same labels
        if self.recipe.plugins:
            recipe["plugins"] = sorted(one.sha256 for one in self.recipe.plugins)
        # The content at a path counts, not the path.
        recipe["model"] |= dict.fromkeys(self.start, "see start")
        return {
            "format": FORMAT,
            "recipe": {key: value for key, value in recipe.items() if key != "name"},
            **({"start": self.start} if self.start else {}),
            "data": {"digest": self.store.info.digest},
            "split_digest": self.splits.digest(),
            "runtime": self.runtime_record.plain(),
        }

    @property
    def runtime_record(self) -> RuntimeRecord:
        """What of the runtime determines the result.

        The number of threads and processes determines the order of sums. On a CPU, the same
        numbers give the same result to the last bit; on a GPU no numbers do.
        """
        runtime, on_cpu = self.runtime, self.runtime.device == "cpu"
        record = RuntimeRecord(device=runtime.device, precision=runtime.precision,
                               threads=runtime.cpu_threads if on_cpu else None)
        if on_cpu and runtime.processes > 1:
            return record.model_copy(update={"processes": runtime.processes})
        return record

    @cached_property
    def digest(self) -> str:
        """Same digest, same result, same folder."""
        return _sha256(self.identity)

    @cached_property
    def group(self) -> str:
        """The digest without seed, threads, processes: runs of one group differ by chance alone."""
        identity = self.identity
        del identity["recipe"]["seed"], identity["runtime"]["threads"]
        identity["runtime"].pop("processes", None)
        return _sha256(identity)

    def folder(self, runs_root: Path) -> Path:
        """``<runs>/<data set>/<method>-<labels>-seed<N>-<digest>``."""
        recipe = self.recipe
        name = f"{recipe.method}-{len(self.labeled)}labels-seed{recipe.seed}-{self.digest[:8]}"
        return runs_root / f"{self.store.info.name}-{self.store.info.size}" / name

    def describe(self) -> RunRecord:
        """The content of cell.json."""
        info, train = self.store.info, self.splits.train
        extra: dict[str, Any] = {"start": self.start} if self.start else {}
        if scores := scores_of(self.recipe):
            extra["scores"] = tuple(asdict(row) for row in scores)
        return RunRecord(
            digest=self.digest,
            group=self.group,
            format=FORMAT,
            recipe=RecipeRecord.model_validate(self._plain_recipe),
            data=DataRecord(name=info.name, size=info.size, digest=info.digest),
            split_digest=self.splits.digest(),
            runtime=self.runtime_record,
            splits=SplitsRecord(rule=info.split_rule, counts=self.splits.counts),
            leaked=self.leaked,
            labeled=LabeledRecord(count=len(self.labeled), share=len(self.labeled) / len(train),
                                  of=len(train)),
            **extra,  # written only where there is any
        )


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
