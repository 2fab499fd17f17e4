"""YAML as recipes need it: what is called ``name`` is text, whatever else it looks like."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_TEXT = "tag:yaml.org,2002:str"


def read_yaml_text(text: str, key: str = "") -> Any:
    """The plain value of a YAML text.

    Data sets may be called ``2018``, ``1e3`` or ``null``; to YAML these are no text. So a value
    under a key ``name``, or one that ends in ``.name``, is kept as it was typed.

    Args:
        text: of one document.
        key: that the value stands under.

    Raises:
        YAMLError, ValueError: it is no YAML.
    """
    yaml = YAML(typ="safe", pure=True)
    node = yaml.compose(text)
    if node is None:
        return None
    _keep_names(node, key, set())
    return yaml.constructor.construct_document(node)


def _keep_names(node: Node, key: str, done: set[int]) -> None:
    """Make text of names inside; a list under ``name`` is a choice of names."""
    if id(node) in done:
        return  # an alias, which may lie inside what it stands for
    done.add(id(node))
    if isinstance(node, MappingNode):
        for name, value in node.value:
            _keep_names(value, str(name.value), done)
    elif isinstance(node, SequenceNode):
        for value in node.value:
            _keep_names(value, key, done)
    elif (isinstance(node, ScalarNode) and node.style is None and node.value
          and key.rpartition(".")[2] == "name"):
        node.tag = _TEXT
