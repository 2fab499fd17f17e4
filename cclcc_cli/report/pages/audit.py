"""What the audit of a data set found, as tables, a JSON file and a sheet of pictures."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cclcc_cli.data.audit import (
    Audit,
    SamePair,
    describe_shift,
    leaked_stems,
    leaking_pairs,
    subset_pairs,
)
from cclcc_cli.data.class_map import foreground
from cclcc_cli.data.contact_sheet import (
    YELLOW,
    Outline,
    Pixels,
    Tile,
    draw_sheet,
    encode_png,
    stack_sheets,
)
from cclcc_cli.data.import_record import load_import
from cclcc_cli.data.splits import SPLITS, Splits
from cclcc_cli.data.store import Store
from cclcc_cli.data.turning import ORIENTATIONS
from cclcc_cli.errors import DataError
from cclcc_cli.files import write_atomic
from cclcc_cli.report.tables.audit import KINDS, build_findings, build_pairs
from cclcc_cli.report.tables.table import Table
from cclcc_cli.wording import counted

JSON = "audit.json"
SHEET = "audit.png"
MOST_DRAWN = 90
"""Pairs, and odd images, that the sheet shows; the tables and the JSON file hold all."""

_PAIRS_ACROSS = 3
_COLUMNS = 6


@dataclass(frozen=True)
class AuditFiles:
    """What was written; no sheet where there is nothing to show."""

    json: Path
    sheet: Path | None


def write_audit(store: Store, out: Path) -> AuditFiles:
    """Write the audit of a store into the folder ``out``; files of the same name are replaced.

    Raises:
        DataError: ``out`` is not a folder or cannot be written.
    """
    sheet = draw_audit(store)
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(audit_record(store), indent=1, ensure_ascii=False) + "\n"
        write_atomic(out / JSON, text.encode())
        if sheet is not None:
            write_atomic(out / SHEET, encode_png(sheet))
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror}); choose another --out"
                        ) from None
    return AuditFiles(out / JSON, None if sheet is None else out / SHEET)


def audit_record(store: Store) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    audit = store.audit
    cuts = {"main": store.splits} | {f"fold{n}": cut for n, cut in enumerate(store.folds)}
    return {
        "data": {"name": store.info.name, "size": store.info.size, "digest": store.info.digest},
        **asdict(audit),
        "leaked": {name: leaked_stems(audit.pairs, cut) for name, cut in cuts.items()},
        "pairs_among_labels": {
            f"{share:g}": {"both labelled": both, "one labelled": one}
            for share, (both, one) in subset_pairs(audit.pairs, store.splits).items()
        },
    }


def audit_tables(store: Store) -> list[Table]:
    """Pairs of images that show the same, and odd images; without those that are empty."""
    audit, info = store.audit, store.info
    title = f"{info.name} at {info.size} pixels: {info.num_images} images"
    tables = []
    if audit.pairs:
        tables.append(build_pairs(
            _ordered(audit, store.splits),
            f"{title}, {counted(len(audit.pairs), 'pair')} of copies or of one scene"))
    if audit.findings:
        tables.append(build_findings(audit,
            f"{title}, {counted(len(audit.findings), 'odd image or mask', 'odd images or masks')}"))
    return tables


def audit_notes(store: Store) -> list[str]:
    """What a reader must know of a data set before using it, one sentence each."""
    audit, imported = store.audit, load_import(store.path)
    notes = [imported.fault] if imported and imported.fault else []
    if not audit.near_pairs_sought:
        notes.append(f"{store.info.size} pixels show too little to tell near-duplicates: only "
                     f"copies were looked for; prepare it at 64 or more")
    for name, cut in (("the split", store.splits),
                      *((f"fold {n}", cut) for n, cut in enumerate(store.folds))):
        leaked = {side: stems for side, stems in leaked_stems(audit.pairs, cut).items() if stems}
        for side, stems in leaked.items():
            notes.append(f"{name}: {side} images that copy an image on another side, or probably "
                         f"show the same scene: {len(stems)} of {len(getattr(cut, side))}")
    contradicting = sum(pair.contradicts for pair in audit.pairs)
    if contradicting:
        pairs = counted(contradicting, "pair has", "pairs have")
        notes.append(f"{pairs} masks that contradict each other")
    if audit.similar:
        notes.append(f"{counted(len(audit.similar), 'pair')} of similar images, no more alike than "
                     f"unrelated images of this data set may be: not counted as the same ({JSON} "
                     f"has them)")
    notes += [f"{found.what}: {found.count} of {found.of}; {found.detail}"
              for found in audit.in_common]
    if audit.common_shift is not None:
        notes.append(f"all masks together lie beside their images: the average mask "
                     f"{describe_shift(audit.common_shift)}")
    if audit.pairs:
        parts = [f"{share:.0%}: {both} and {one}"
                 for share, (both, one) in subset_pairs(audit.pairs, store.splits).items()]
        notes.append(f"pairs among training images, both labelled and one labelled (seed "
                     f"{min(store.splits.label_orders)}): {', '.join(parts)}")
    return notes


def draw_audit(store: Store) -> Pixels | None:
    """Pairs side by side, then odd images, each with its mask; None where nothing was found."""
    sheets = [*_pair_rows(store), *_finding_rows(store)]
    return stack_sheets(sheets) if sheets else None


def _ordered(audit: Audit, splits: Splits) -> list[tuple[SamePair, str]]:
    """Pairs with the sides they lie on, leaking ones first."""
    leaking = {pair: " and ".join(sides) for pair, sides in leaking_pairs(audit.pairs, splits)}
    home = {stem: side for side in SPLITS for stem in getattr(splits, side)}
    pairs = [(pair, leaking.get(pair) or home.get(pair.first, "dropped")) for pair in audit.pairs]
    return sorted(pairs, key=lambda found: found[0] not in leaking)


def _pair_rows(store: Store) -> Iterator[Pixels]:
    pairs = _ordered(store.audit, store.splits)[:MOST_DRAWN]
    for start in range(0, len(pairs), _PAIRS_ACROSS):
        yield np.concatenate([
            draw_sheet(
                [_tile(store, stem, [], contradicts=pair.contradicts)
                 for stem in (pair.first, pair.second)],
                columns=2,
                heading=[f"{sides}: {KINDS[pair.kind]} {pair.score:.2f}",
                         "" if pair.mask_iou is None else f"masks overlap {pair.mask_iou:.2f}",
                         "" if pair.orientation == ORIENTATIONS[0]
                         else f"the second lies {pair.orientation}"],
            ) for pair, sides in pairs[start:start + _PAIRS_ACROSS]
        ], axis=1)


def _finding_rows(store: Store) -> Iterator[Pixels]:
    findings = store.audit.findings[:MOST_DRAWN]
    if findings:
        tiles = [_tile(store, finding.stem, [finding.what, finding.detail])
                 for finding in findings]
        yield draw_sheet(tiles, _COLUMNS, ["odd images and masks"])


def _tile(store: Store, stem: str, lines: Sequence[str], contradicts: bool = False) -> Tile:
    (position,) = store.positions([stem])
    mask = foreground(store.masks[position])
    outline = Outline(mask, YELLOW) if contradicts else Outline(mask)
    return Tile(np.asarray(store.images[position]), [outline], [stem, *lines])
