"""What a store says about itself: ``dataset.json``."""

from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated_dataclass

from cclcc_cli.data.catalog import find_entry
from cclcc_cli.data.store_index import FORMAT, READABLE
from cclcc_cli.data.store_versions import INFO, size_of
from cclcc_cli.errors import DataError
from cclcc_cli.files import DATA
from cclcc_cli.records import Record, describe_damage, to_json


class _Versioned(Record):
    """The one key that ``dataset.json`` has in every format."""

    format: int


@validated_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class StoreInfo:
    """What a store says about itself; the content of ``dataset.json``.

    Attributes:
        name: of the data set.
        size: side of the stored images, in pixels.
        digest: SHA-256 over stems, file hashes, size, resize rule and format.
        num_images: in all splits together.
        counts: images per split: train, val, test.
        foreground_share: mean over images of the mask's share of the image, 0 to 1.
        license, citation, source: as the user gave them, or what is known.
        files: archive to the SHA-256 with which it arrived; empty for folders.
        split_digest: ``Splits.digest()`` of the main splits.
        fold_digests: likewise of each fold.
        split_rule: how the splits came about, in words.
        format: version of this layout.
        resize: how images came to their size.
        coding: how mask values were read, in words; empty where that was by the usual rule.
        num_classes: kinds of objects that masks tell apart.
        sums: file to the SHA-256 of what was written (see ``store_check``); empty in older stores.
    """

    name: str
    size: int
    digest: str
    num_images: int
    counts: Mapping[str, int]
    foreground_share: float
    license: str
    citation: str
    source: str
    files: Mapping[str, str]
    split_digest: str
    fold_digests: tuple[str, ...]
    split_rule: str
    format: int
    resize: str
    coding: str = ""
    num_classes: int = 1
    sums: Mapping[str, str] = field(default_factory=dict)


def load_info(path: Path) -> StoreInfo:
    """What the store at ``path`` says about itself.

    Raises:
        DataError: ``dataset.json`` is missing, damaged or of another format.
    """
    try:
        content = (path / INFO).read_bytes()
        version = _Versioned.model_validate_json(content).format
        if version not in READABLE:
            raise DataError(
                f"{path}: the store has format {version}, this version reads up to "
                f"{FORMAT}; "
                f"make it again with: {prepare_command(path)} --force"
            )
        info: StoreInfo = TypeAdapter(StoreInfo).validate_json(content)
    except FileNotFoundError:
        raise DataError(f"{path}: is not a store (it has no dataset.json); move it away, "
                        f"then make one with: {prepare_command(path)}") from None
    except ValidationError as error:
        raise damaged(path, f"dataset.json: {describe_damage(error)}") from None
    except OSError as error:
        raise damaged(path, f"dataset.json cannot be read: {error.strerror}") from None
    if (info.name, str(info.size)) != (path.parent.name, size_of(path)):
        raise damaged(path, "dataset.json belongs to another folder")
    return info


def dump_info(info: StoreInfo) -> bytes:
    """The content of ``dataset.json``."""
    return to_json(asdict(info))


def prepare_command(path: Path) -> str:
    """The command that makes the store at ``path``."""
    known = path.parent.name == "synthetic" or find_entry(path.parent.name) is not None
    folders = "" if known else " --images DIR --masks DIR"
    root = path.parent.parent
    data = "" if root == DATA else f" --data {root}"
    return f"cclcc prepare {path.parent.name} --size {size_of(path)}{folders}{data}"


def damaged(path: Path, what: str) -> DataError:
    """What to raise where a part of a store is not what was written."""
    return DataError(
        f"{path}: the store is damaged ({what}); "
        f"make it again with: {prepare_command(path)} --force"
    )
