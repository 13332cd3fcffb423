"""YAML as people mean it: `region: NO` is a word and `12:30` is text, as in YAML 1.2; a key twice is an error.

Aliases are refused: a few lines of them can stand for gigabytes.
"""

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """SafeLoader whose booleans are true and false only, whose integers are decimal, and that reads no aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not read; write the value out", problem_mark=mark)
        return super().compose_node(parent, index)


_RETOLD = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:int")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _RETOLD]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_RETOLD[0], re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF"))
_Loader.add_implicit_resolver(_RETOLD[1], re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"), list("-+0123456789"))


class YamlInvalid(Exception):
    """The text is not YAML; `line` counts from 1."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem, self.line = problem, line


def load_yaml(text: str) -> Any:
    """The value that a YAML text describes; raises YamlInvalid."""
    return tree_and_value(text)[1]


def tree_and_value(text: str) -> tuple[yaml.Node | None, Any]:
    """The nodes, which know their lines, and the value; raises YamlInvalid."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
        _check_keys(tree)
        return tree, yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise YamlInvalid(str(error.problem), error.problem_mark.line + 1 if error.problem_mark else 1) from error
    except (yaml.YAMLError, ValueError) as error:
        # A value such as 2025-02-30 looks like a date and is none.
        raise YamlInvalid(" ".join(str(error).split()), 1) from error
    except (LookupError, AttributeError, TypeError) as error:
        # PyYAML trips over a tag on what does not fit it, such as `!!int ""`.
        raise YamlInvalid("a tag (!!name) stands before a value that is not of its type", 1) from error
    except RecursionError as error:
        raise YamlInvalid("it is nested too deep", 1) from error


def _check_keys(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise YamlInvalid(f"the key {key.value!r} is given twice", key.start_mark.line + 1)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
            _check_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item)
