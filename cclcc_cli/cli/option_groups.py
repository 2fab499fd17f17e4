"""Options that several commands have together: one dataclass for each set of them."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameters that are dataclasses are options: one for each field.

    typer reads a function's signature, so the fields are written into it where the parameter
    stands; when the command is called they are put together again.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    own = {group: [field.name for field in fields(hint)] for group, hint in groups.items()}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        hint = groups.get(parameter.name)
        if hint is None:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        inner = get_type_hints(hint, include_extras=True)
        parameters += [
            parameter.replace(name=field.name, annotation=inner[field.name], default=(
                inspect.Parameter.empty if field.default is MISSING else field.default))
            for field in fields(hint)]

    @wraps(command)
    def call(**given: Any) -> None:
        made = {group: groups[group](**{name: given.pop(name) for name in names})
                for group, names in own.items()}
        command(**given, **made)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call
