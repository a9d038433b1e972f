"""House rules that a machine can check: size and names of files, formatting, include paths, links, the reference."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tidemill_command import ROOT, call

TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
CPP = [path for path in TRACKED if path.endswith((".h", ".cc"))]
TEXT = [path for path in TRACKED if not path.startswith("tests/cases/bad_files/")]
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def lines_of(path: str) -> list[str]:
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def test_no_source_file_is_long():
    long = {path: n for path in TRACKED if path.endswith((".h", ".cc", ".py")) and (n := len(lines_of(path))) > 600}
    assert long == {}


def test_names_of_files_say_what_is_in_them():
    bad = [path for path in TRACKED if set(re.split(r"[_./-]", path.lower())) & FORBIDDEN_NAMES]
    assert bad == []


def test_files_of_code_are_snake_case():
    bad = [path for path in CPP if not re.fullmatch(r"[a-z0-9_]+\.(h|cc)", Path(path).name)]
    assert bad == []


def test_includes_go_down_the_floors_not_up_the_tree():
    bad = [f"{path}: {line}" for path in CPP for line in lines_of(path) if re.match(r'\s*#\s*include\s+"\.\.?/', line)]
    assert bad == []


def test_headers_are_guarded():
    bad = [path for path in CPP if path.endswith(".h") and "#pragma once" not in lines_of(path)[:3]]
    assert bad == []


def test_no_unfinished_business():
    word = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    bad = [f"{path}: {line.strip()}" for path in CPP for line in lines_of(path) if word.search(line)]
    assert bad == []


def test_text_is_tidy():
    bad = []
    for path in TEXT:
        text = (ROOT / path).read_text(encoding="utf-8")
        if text and not text.endswith("\n"):
            bad.append(f"{path}: no newline at the end")
        if "\r" in text or "\t" in text and not path.endswith((".csv", "Makefile")) and path in CPP:
            bad.append(f"{path}: a tab or a carriage return")
        if any(line != line.rstrip() for line in text.splitlines()) and not path.endswith((".csv", ".md")):
            bad.append(f"{path}: space at the end of a line")
    assert bad == []


def test_code_is_formatted():
    formatter = Path(sys.executable).with_name("clang-format")
    if not formatter.exists():
        pytest.fail(f"no clang-format beside {sys.executable}; run scripts/bootstrap")
    done = subprocess.run([formatter, "--dry-run", "-Werror", *CPP], cwd=ROOT, capture_output=True, text=True)
    files = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error:" in line})
    assert done.returncode == 0, f"run clang-format -i {' '.join(files)}"


def anchors_of(path: Path) -> set[str]:
    anchors = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"#+\s+(.*)", line):
            words = re.sub(r"[^\w\s-]", "", match[1].replace("`", "").lower())
            anchors.add(words.strip().replace(" ", "-"))
    return anchors


@pytest.mark.parametrize("path", [path for path in TRACKED if path.endswith(".md")])
def test_links_resolve(path):
    text = re.sub(r"```.*?```", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.S)
    bad = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (ROOT / path).parent / file if file else ROOT / path
        if not place.exists() or anchor and anchor not in anchors_of(place):
            bad.append(target)
    assert bad == []


def test_every_document_is_reached_from_the_index():
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = [path for path in TRACKED if path.startswith("docs/") and path.endswith(".md") and path != "docs/README.md"]
    assert [page for page in pages if os.path.relpath(page, "docs") not in index] == []


def test_function_reference_is_current():
    committed = (ROOT / "docs/reference/functions.md").read_text(encoding="utf-8")
    assert committed == call("functions", "--markdown").stdout, "run: build/release/tidemill functions --markdown > docs/reference/functions.md"


def test_scripts_are_sound():
    scripts = [path for path in TRACKED if (ROOT / path).read_bytes().startswith(b"#!/usr/bin/env bash")]
    assert len(scripts) >= 4
    for path in scripts:
        subprocess.run(["bash", "-n", ROOT / path], check=True)
        assert os.access(ROOT / path, os.X_OK), f"{path} is not executable"
