"""YAML as people mean it: `no` is a word, `2020-01-02` and `12:30` are what they look like.

PyYAML reads YAML 1.1, where a title `No` is false, 012 is ten, and 1:30 is ninety. Here a
plain word is only true, false, null or a number if writing that back gives the same word.
"""

import re
from typing import Any

import yaml

from wiki.importers.vault.plain_data import MAX_DEPTH, MAX_VALUES, TooMuch

Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

OPENING = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
CLOSING = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


class Loader(Base):  # type: ignore[misc]  # the C class is untyped
    """Knows scalars, lists and mappings, and takes every other tag for one of them."""

    yaml_implicit_resolvers: dict[str, Any] = {}
    yaml_constructors = {
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag and tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
    }


def load(text: str) -> Any:
    """Read one document. Raises yaml.YAMLError, ValueError and TooMuch."""
    depth = 0
    # Before anything is built: the parser has a stack of its own, the builder has ours.
    for number, event in enumerate(yaml.parse(text, Loader)):
        depth += isinstance(event, OPENING)
        depth -= isinstance(event, CLOSING)
        if depth > MAX_DEPTH or number > 3 * MAX_VALUES:
            raise TooMuch("it holds more, or is nested deeper, than anybody writes")
    return yaml.load(text, Loader)


def _construct(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return _mapping(loader, node)


def _mapping(loader: yaml.SafeLoader, node: yaml.Node) -> dict[Any, Any]:
    """Build a mapping; a key that occurs twice is a mistake of its writer."""
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in found:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key} stands there twice", key_node.start_mark
            )
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _resolves(kind: str, pattern: str, first: str) -> None:
    tag = f"tag:yaml.org,2002:{kind}"
    Loader.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), list(first))


_resolves("bool", "true|True|TRUE|false|False|FALSE", "tTfF")
_resolves("null", "~|null|Null|NULL|", "~nN")
Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
_resolves("int", "0|-?[1-9][0-9]{0,14}", "-0123456789")
_resolves("float", r"-?(?:0|[1-9][0-9]{0,8})\.(?:0|[0-9]{0,5}[1-9])", "-0123456789")
Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
Loader.add_constructor(None, _construct)
