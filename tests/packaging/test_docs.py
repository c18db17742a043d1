# SPDX-License-Identifier: MIT
"""What operators read is what the programs know."""
import pathlib
import re
import subprocess

import pytest

from conftest import ROOT

TABLE = (ROOT / "common" / "app" / "config" / "config_table.c").read_text()
# Of these --print-config shows what is in force, one part per entry.
WITH_ENTRIES = {"job": "job", "rule": "rule", "window": "window"}


def documented() -> dict[str, dict[str, str]]:
    """{section: {key: default as it stands there}} of docs/configure.md."""
    sections: dict[str, dict[str, str]] = {}
    for part in re.split(r"^## ", (ROOT / "docs" / "configure.md").read_text(), flags=re.M)[1:]:
        name = part.split()[0]
        rows = re.findall(r"^\| `(\w+)` \| (?:`((?:[^`\\]|\\.)*)`)? ?\|", part, re.M)
        sections[name] = {key: default.replace("\\|", "|") for key, default in rows}
    return sections


def printed(build: pathlib.Path, tmp_path: pathlib.Path) -> dict[str, dict[str, str]]:
    """The same of the program, without sections of which there may be many."""
    (tmp_path / "empty").touch()
    text = subprocess.run([build / "bin" / "ordergate-hook", "--config", tmp_path / "empty", "--print-config"],
                          check=True, capture_output=True, text=True).stdout
    sections = {}
    for name, body in re.findall(r"^(\w+)(?: [\w-]+)? \{\n(.*?)^\}", text, re.M | re.S):
        if name not in WITH_ENTRIES:
            sections[name] = dict(re.findall(r"^\t(\w+) = (.*)$", body, re.M))
    return sections


def test_every_key_of_the_configuration_is_documented_with_its_default(build: pathlib.Path, tmp_path: pathlib.Path) -> None:
    docs = documented()
    for section, keys in printed(build, tmp_path).items():
        wrong = {key: default for key, default in keys.items() if docs.get(section, {}).get(key) != default}
        assert not wrong, f"docs/configure.md, section {section}: no such rows: {wrong}"
        assert not set(docs[section]) - set(keys), f"docs/configure.md, section {section}: no such keys"
    assert set(docs) == set(printed(build, tmp_path)) | set(WITH_ENTRIES)


@pytest.mark.parametrize("section", WITH_ENTRIES)
def test_every_key_of_jobs_rules_and_windows_is_documented(section: str) -> None:
    rows = re.search(rf"config_option {WITH_ENTRIES[section]}\[\] = \{{(.*?)\n\}};", TABLE, re.S).group(1)
    keys = re.findall(r'(?:BOOL|TEXT|WORD|NUMBER|DURATION)\(config_\w+, "?(\w+)"?,|\.key = "(\w+)"', rows)
    assert len(keys) > 5
    assert set(documented()[section]) == {one or other for one, other in keys}


def test_every_rule_says_what_it_means_and_what_to_do() -> None:
    rules = set(re.findall(r'^\t"rule ([\w-]+) \{', TABLE, re.M))
    assert len(rules) > 30
    fires, _, what_to_do = (ROOT / "docs" / "alerts.md").read_text().partition("## What to do")
    for rule in sorted(rules):
        for place, text in (("fires when", fires), ("what to do", what_to_do.partition("\n## ")[0])):
            assert re.search(rf"^\|[^|]*`{rule}`[^|]*\|", text, re.M), f"docs/alerts.md: {rule} has no row under '{place}'"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_security_model_names_every_unit_with_its_user_and_secrets() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    for unit in (ROOT / "systemd" / "units").glob("*.service"):
        name = unit.name.removesuffix(".service")
        if name == "ordergate-trouble":  # stands in for the edge
            continue
        lines = unit.read_text()
        row = re.search(rf"^\| `{name}`[^|]*\| `([\w-]+)` \| ([^|]*) \|", text, re.M)
        assert row, f"docs/security.md: no row of {name}"
        assert row.group(1) == re.search(r"^User=(.*)$", lines, re.M).group(1), name
        given = set(re.findall(r"^LoadCredential=([\w-]+):", lines, re.M))
        said = {secret for word in re.findall(r"`([\w*-]+)`", row.group(2))
                for secret in ({one for one in given if one.startswith("kuper-")} if word == "kuper-*" else {word})}
        assert said == given, name
