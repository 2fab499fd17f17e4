"""The report on one search: its best trials, what mattered, what it took. Knows no Optuna."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cclcc_cli.config.search_summary import SearchSummary, TrialSummary
from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import in_unit
from cclcc_cli.records import load_record
from cclcc_cli.report.tables.best import rank, rule_between
from cclcc_cli.report.tables.columns import score_column
from cclcc_cli.report.tables.table import Column, Row, Sheet, Table, stored_columns
from cclcc_cli.wording import duration, few, instead

SHOWN = 10
"""The best trials in the table; CSV and JSON hold all."""


def read_search(root: Path, name: str) -> SearchSummary:
    """What a search has found so far.

    Raises:
        RunError: none of this name has run, or what it left is damaged.
    """
    found = load_record(SearchSummary, root / "searches" / name / "summary.json",
                        "rerun the same cclcc search command, which writes it again")
    if found is None:
        there = sorted(each.parent.name for each in root.glob("searches/*/summary.json"))
        raise RunError(f"{name}: no search of this name has run below {root}; "
                       f"{instead(name, there)}")
    return found


def write_search_page(root: Path, name: str) -> Sheet:
    """Best trials first, then what each key's choice was worth."""
    found = read_search(root, name)
    tables = [_trials_table(found)]
    if found.importances:
        tables.append(Table(
            "importances", f"search {found.name}: what the differences between trials come from",
            [Column("key", "key", is_key=True),
             Column("importance", "share %", "%", form="{:.1f}".format)],
            [Row({"key": key, "importance": share}) for key, share in
             sorted(found.importances.items(), key=lambda item: -item[1])]))
    failed = [f"trial {trial.number} failed: {trial.reason or 'no reason is known'}"
              for trial in found.trials if trial.state == "failed"]
    return Sheet(tables, [*found.notes, *failed])


def _trials_table(found: SearchSummary) -> Table:
    """All trials in CSV and JSON, the best ``SHOWN`` on pages."""
    ordered = found.ranked
    keys = found.keys
    score = score_column(("working", found.objective))
    value = replace(score, key="value", title=f"val {score.title}", fields=None)
    columns = [
        Column("trial", "trial", is_key=True), Column("state", "state"),
        *stored_columns(["objective"]), *(Column(key, key, fields=()) for key in keys),
        value, Column("proposed_by", "proposed by"), *stored_columns(["reason", *keys])]
    rows = [Row({
        "trial": trial.number, "state": trial.state, "objective": found.objective,
        "value": trial.value, "proposed_by": trial.source, "reason": trial.reason, **trial.words,
    }, shown=n < SHOWN) for n, trial in enumerate(ordered)]
    # A pruned trial's value is from before its end: it competes with none.
    places = rank([trial.value if trial.state == "complete" else None for trial in ordered],
                  [0] * len(rows), value.direction)
    rows = [replace(row, ranks={"value": place} if place else {})
            for row, place in zip(rows, places, strict=True)]
    return Table("rows", f"search {found.name}: best of {len(found.trials)} trials by validation "
                 f"{found.objective}", columns,
                 rule_between(rows, [trial.state for trial in ordered]), _sentences(found, ordered))


def _sentences(found: SearchSummary, ordered: Sequence[TrialSummary]) -> list[str]:
    counts = ", ".join(f"{count} {state}" for state, count in found.counts.items() if count)
    spent = [*([f"{found.spent.steps} optimiser steps"] if found.spent.steps is not None else []),
             *([duration(found.spent.seconds)] if found.spent.seconds is not None else [])]
    sentences = [f"Trials: {counts or 'none'}"
                 f"{'; together they took ' + ' in '.join(spent) if spent else ''}."]
    complete = [trial for trial in ordered if trial.state == "complete"]
    if not complete:
        return [*sentences, "No trial is complete yet, so none is the best."]
    metric, best = ("working", found.objective), complete[0]
    setting = few([f"{key} {value}" for key, value in best.words.items()])
    sentences.append(f"The best is trial {best.number} ({setting}) with "
                     f"{in_unit(best.value or 0.0, metric):.2f}.")
    first = next((trial for trial in complete if trial.number == 0), None)
    if first and first is not best and first.value is not None and best.value is not None:
        gap = in_unit(best.value - first.value, metric)
        sentences.append(f"That is {gap:+.2f} beside trial 0, {first.source or 'the first'}.")
    sentences.append(
        f"The best of {len(complete)} on validation is optimistic: train its recipe with several "
        "seeds and compare it with the base on the test split.")
    return sentences
