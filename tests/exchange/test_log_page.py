"""docs/log.md names every kind of entry: the words of each are read off the code, wherever they are handed on to where an entry is made."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME, EVENT, PLACE, WORD = "exchange.log.record", "Event", 4, "what"  # whose fifth argument, or which named one, says what happened
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """A file: its functions, and its constants by name."""

    path: Path
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.path.read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts)

    @cached_property
    def imported(self) -> dict[str, str]:
        """What a name stands for that was imported from another module, in full."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom)]
        return {one.asname or one.name: f"{node.module}.{one.name}" for node in found for one in node.names}

    def calls(self, call: ast.Call, whole: str) -> bool:
        """Whether a call is of this function, named in full."""
        match call.func:
            case ast.Name(id=name):
                return self.imported.get(name, f"{self.name}.{name}") == whole
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return f"{self.name}.{name}" == whole
            case ast.Attribute(value=ast.Name(id=home), attr=name):
                return f"{self.imported.get(home)}.{name}" == whole
        return False

    @cached_property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        return dict(pair for node in self.tree.body if isinstance(node, ast.Assign) for pair in pairs(node))


def pairs(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    """What is assigned to which name."""
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target.id, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from ((one.id, value) for one, value in zip(target.elts, node.value.elts, strict=True) if isinstance(one, ast.Name))


class Reader:
    """Reads the words of every entry off the modules."""

    def __init__(self, modules: list[Module]) -> None:
        self.modules = modules
        self.everywhere = {name: value for one in modules for name, value in one.constants.items()}
        self.words: set[str] = set()
        self.unread: set[str] = set()
        self._followed: set[tuple[str, int, str]] = set()

    def follow(self, whole: str, place: int, word: str) -> None:
        """Read this argument of every call of a function."""
        if (whole, place, word) in self._followed:
            return
        self._followed.add((whole, place, word))
        for module in self.modules:
            for function in module.functions:
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and module.calls(call, whole) and (given := argument(call, place, word)) is not None:
                        self.read(given, function, module)

    def read(self, given: ast.expr, function: Function, module: Module) -> None:
        match given:
            case ast.Constant(value=str(words)):
                self.words.add(words)
            case ast.JoinedStr(values=[ast.Constant(value=str(words)), *_]):
                self.words.add(words)  # how it begins
            case ast.IfExp(body=one, orelse=other):
                self.read(one, function, module)
                self.read(other, function, module)
            case ast.Name(id=name):
                self.named(name, function, module)
            case _:
                self.unread.add(f"{module.path.relative_to(ROOT)}:{given.lineno}: {ast.unparse(given)}")

    def named(self, name: str, function: Function, module: Module) -> None:
        """The words behind a name: an argument's, a local's, a loop's, a constant's."""
        taken = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        more = [one.arg for one in function.args.kwonlyargs]
        found = [value for node in ast.walk(function) if isinstance(node, ast.Assign) for one, value in pairs(node) if one == name]
        found += [value for node in ast.walk(function) if isinstance(node, ast.For) for value in looped(node.target, name, module)]
        if name in taken or name in more:
            place = taken.index(name) - (taken[:1] == ["self"]) if name in taken else 99
            defaults = dict(zip(reversed(taken), reversed(function.args.defaults), strict=False))
            found += [defaults[name]] if name in defaults else []
            self.follow(f"{module.name}.{function.name}", place, name)
        elif not found:
            found = [value for value in [module.constants.get(name) or self.everywhere.get(name)] if value is not None]
            assert found, f"{module.path}: what is {name}?"
        for value in found:
            self.read(value, function, module)


def argument(call: ast.Call, place: int, word: str) -> ast.expr | None:
    """The argument; None where it is left to its default."""
    named = next((one.value for one in call.keywords if one.arg == word), None)
    return named if named is not None else call.args[place] if len(call.args) > place else None


def looped(target: ast.expr, name: str, module: Module) -> Iterator[ast.expr]:
    """What a loop's name may stand for: words at its place in tuples that the module makes."""
    names = [one.id if isinstance(one, ast.Name) else "" for one in target.elts] if isinstance(target, ast.Tuple) else []
    if name in names:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) == len(names):
                one, others = node.elts[names.index(name)], [each for each in node.elts if isinstance(each, ast.Constant)]
                if isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and others == [one]):
                    yield one


def test_the_page_names_every_kind_of_entry() -> None:
    reader = Reader([Module(path) for path in sorted((ROOT / "exchange").rglob("*.py"))])
    reader.follow(f"{HOME}.{EVENT}", PLACE, WORD)
    assert reader.unread == set()
    # Of each way in which words reach an entry, one: as they are, handed on, chosen, looped over, a constant, begun.
    ways = {"notices asked for", "submission withdrawn", "target ended", "agreement expired", "dataset token revoked", "statement: "}
    assert ways <= reader.words
    page = (ROOT / "docs" / "log.md").read_text(encoding="utf-8")
    assert sorted(words for words in reader.words if f"`{words}" not in page) == []
