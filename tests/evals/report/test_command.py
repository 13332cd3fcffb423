"""What `warrant eval report` takes, refuses and writes."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from report_under_test import report

from evals.report import FILES
from warrant import main

pytestmark = pytest.mark.slow

Type = Callable[[str], tuple[int, str]]


@pytest.fixture
def type_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Types a command beside v.json, on a release and a champion, and alone.json, on a release alone."""
    monkeypatch.chdir(tmp_path)
    for name, alone in (("v", False), ("alone", True)):
        told = report(tmp_path / f"{name}-runs", alone=alone)
        Path(f"{name}.json").write_text(told.verdict.text(), "utf-8")
    for place in Path().glob("*-runs/*"):
        place.rename(f"{place.parent.name.removesuffix('-runs')}-{place.name.split('-')[2].split('@')[0]}")
    capsys.readouterr()

    def run(line: str) -> tuple[int, str]:
        code = main(shlex.split(f"eval report {line}")) or 0
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_it_writes_four_files_and_prints_the_page(type_: Type) -> None:
    assert type_("v.json --run v-release --champion v-champion --out out/deep") == (0, "out/deep/report.html\n")
    assert sorted(path.name for path in Path("out/deep").iterdir()) == sorted(FILES)
    assert type_("alone.json --run alone-release --out out") == (0, "out/report.html\n")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("v.json --run v-release", "compares with champion@1"),
        ("v.json --run v-champion --champion v-release", "is about release@1"),
        ("v.json --run nowhere --champion v-champion", "There is no run in nowhere"),
        ("none.json --run v-release", "cannot be read"),
    ],
)
def test_what_is_missing_or_about_something_else_is_told(type_: Type, line: str, told: str) -> None:
    code, printed = type_(f"{line} --out out")
    assert (code, told in printed) == (2, True), printed
    assert not Path("out").exists()
