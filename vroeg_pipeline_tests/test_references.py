"""What docstrings, comments and docs name is there: files, folders, modules, settings, columns, decisions."""

from __future__ import annotations

import ast
import builtins
import importlib
import io
import os
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.home import CHECKOUT
from vroeg_pipeline.installation.schema import described_tables
from vroeg_pipeline_tests.kit import domain_page

# A file of ours; a YAML only where one of that name is ours, as an installation has its own.
_FILE = re.compile(r"(?<![\w/<.-])(?:[\w.-]+/)*[\w-]+\.(?:py|sql|md|yaml)\b")
_DOTTED = re.compile(r"`([a-z_]\w*(?:\.[A-Za-z_]\w*)+)`")
_FOLDER = re.compile(r"`([a-z_]+)/`")
_DECISION = re.compile(r"docs/adr/(\d{4})((?:, \d{4})*)(?: and (\d{4}))?")
_FOLDERS = (".ci", "data/agreements", "data/reference", "deploy", "docs", "vroeg_pipeline", "vroeg_pipeline_tests")
_OTHER_FILES = {"csv", "db", "duckdb", "example", "gpkg", "html", "json", "lock", "toml", "xlsx", "zip"}


@cache
def ours() -> list[str]:
    """The files of the repository, without what tools and installations leave in it."""
    kept = [path for folder in _FOLDERS for path in (CHECKOUT / folder).rglob("*")] + list(CHECKOUT.iterdir())
    return [path.relative_to(CHECKOUT).as_posix() for path in kept if path.is_file() and path.suffix != ".pyc"]


@cache
def folders() -> set[str]:
    """Of the repository and of an installation."""
    parts = {part for path in ours() for part in Path(path).parts[:-1]}
    return parts | set(
        re.findall(r'"([a-z_]+)"', (CHECKOUT / "vroeg_pipeline/installation/home.py").read_text("utf-8"))
    )


@cache
def rooms() -> set[str]:
    """And the modules beside them."""
    return {path.stem for path in (CHECKOUT / "vroeg_pipeline").iterdir()}


def prose(path: Path) -> Iterator[str]:
    """Everything in a file that is written for people."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sql":
        yield from re.findall(r"--.*", text)
    elif path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.string
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield ast.get_docstring(node) or ""
    else:
        yield text


def dead_in(text: str) -> list[str]:
    """What the text names and is not there."""
    dead = [name for name in _FILE.findall(text) if not _is_file(name)]
    dead += [f"{name}/" for name in _FOLDER.findall(text) if name not in folders()]
    dead += [name for name in _DOTTED.findall(text) if not _is_known(name)]
    for match in _DECISION.finditer(text):
        numbers = re.findall(r"\d{4}", match[0])
        dead += [f"docs/adr/{n}" for n in numbers if not any(path.startswith(f"docs/adr/{n}-") for path in ours())]
    return dead


def _is_file(name: str) -> bool:
    name = re.sub(r"^(\.\.?/)+", "", name)
    if name.endswith(".yaml") and not any(Path(path).name == Path(name).name for path in ours()):
        return True
    return any(path == name or path.endswith(f"/{name}") for path in ours())


def _is_known(name: str) -> bool:
    first, *rest = name.split(".")
    if rest[-1] in {*_OTHER_FILES, "py", "sql", "md", "yaml"}:
        return True
    if first in rooms() and _resolves(f"vroeg_pipeline.{name}"):
        return True
    if rest[0] in getattr(getattr(Settings.model_fields.get(first), "annotation", None), "model_fields", {}):
        return True
    columns = {table: {column.name for column in schema.columns} for table, (_, schema) in described_tables().items()}
    if name in columns or rest[0] in columns.get(first, ()):
        return True
    if any(name in text for text in _statements()):
        return True
    return first not in rooms() and (_resolves(name) or hasattr(builtins, first))


@cache
def _statements() -> list[str]:
    return [(CHECKOUT / path).read_text(encoding="utf-8") for path in ours() if path.endswith(".sql")]


def _resolves(name: str) -> bool:
    """Whether it is a module, or something in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("suffix", [".md", ".py", ".sql"])
def test_nothing_is_named_that_is_not_there(suffix: str) -> None:
    found = {
        path: dead
        for path in ours()
        if path.endswith(suffix) and Path(path).name != Path(__file__).name
        for dead in [[name for text in prose(CHECKOUT / path) for name in dead_in(text)]]
        if dead
    }
    assert found == {}


def test_links_of_pages_lead_somewhere() -> None:
    pages = [CHECKOUT / path for path in ours() if path.endswith(".md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))]
    assert len(links) > 100
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_a_rule_that_is_named_stands_in_the_domain() -> None:
    named = {
        (path, section)
        for path in ours()
        if path.endswith((".md", ".py", ".sql"))
        for text in prose(CHECKOUT / path)
        for section in re.findall(r"DOMAIN §(\d+)", text)
    }
    assert len(named) > 100
    assert {(path, section) for path, section in named if section not in domain_page.sections()} == set()


def test_a_page_that_names_a_rule_leads_to_it() -> None:
    texts = {CHECKOUT / path: (CHECKOUT / path).read_text("utf-8") for path in ours() if path.endswith(".md")}
    del texts[domain_page.PAGE]
    for page, text in texts.items():
        assert domain_page.linked(text, os.path.relpath(domain_page.PAGE, page.parent)) == text, page
    anchors = {anchor for text in texts.values() for anchor in re.findall(r"domain\.md#([\w-]+)\)", text)}
    assert anchors
    assert anchors <= set(domain_page.sections().values())


def test_pictures_are_on_a_page_and_small() -> None:
    pages = [(CHECKOUT / path).read_text("utf-8") for path in ours() if path.endswith(".md")]
    shown = {name for page in pages for name in re.findall(r"images/([\w-]+\.png)\)", page)}
    pictures = {picture.name: picture.stat().st_size for picture in (CHECKOUT / "docs/images").iterdir()}
    assert pictures.keys() == shown
    assert [name for name, size in pictures.items() if size > 150_000] == []


def test_what_is_not_there_is_found() -> None:
    gone = "`resources.warehouse`, `matches.nothing`, sql/macros.sql, `sql/`, sql/address_cases.yaml, docs/adr/0001 and 9999"
    assert dead_in(gone) == [
        "sql/macros.sql",
        "sql/address_cases.yaml",
        "sql/",
        "resources.warehouse",
        "matches.nothing",
        "docs/adr/9999",
    ]
    there = (
        "`installation.warehouse`, `matches/`, macros.sql, agreements/huur.yaml, `ddas.bsn`, `delivery_files.refusal`"
    )
    assert dead_in(there) == []
