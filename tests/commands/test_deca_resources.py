"""What headsmith-deca needs is made once, and again when what makes it has changed."""

from dataclasses import replace

import pytest

from headsmith.commands import deca_resources
from headsmith.commands.deca_resources import ASKED, make_resources
from headsmith.contract.errors import UserError
from headsmith.contract.settings import HeadsSettings, Settings


class Snakemake:
    """Stands in for the program: notes what it is asked for, and writes it."""

    def __init__(self, house):
        self.house, self.asked, self.status = house, [], 0

    def run(self, command, **others):
        assert others["cwd"] == self.house
        self.asked.append(command)
        if not self.status:
            for name in command[command.index("--") + 1 :]:
                (self.house / name).parent.mkdir(parents=True, exist_ok=True)
                (self.house / name).write_text("made")
        return self

    @property
    def returncode(self):
        return self.status


@pytest.fixture
def snakemake(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "resources").mkdir()
    (tmp_path / "config/assets.yaml").write_text("assets: {}")
    program = Snakemake(tmp_path)
    monkeypatch.setattr(deca_resources.subprocess, "run", program.run)
    return program


def test_snakemake_is_asked_once(snakemake):
    resources = make_resources(Settings(), snakemake.house)
    assert resources["head"].read_text() == resources["network"].read_text() == "made"
    assert all(path.is_file() for path in resources["files"].values())
    assert make_resources(Settings(), snakemake.house) == resources
    assert len(snakemake.asked) == 1


def test_what_is_gone_or_was_made_by_other_settings_assets_or_code_is_asked_for_again(snakemake, monkeypatch):
    resources = make_resources(Settings(), snakemake.house)
    resources["head"].unlink()
    make_resources(Settings(), snakemake.house)
    assert len(snakemake.asked) == 2
    other = replace(Settings(), heads=HeadsSettings(texture="other.npz"))
    make_resources(other, snakemake.house)
    assert len(snakemake.asked) == 3 and "other.npz" in " ".join(snakemake.asked[-1])
    (snakemake.house / "config/assets.yaml").write_text("assets: {more: {}}")
    make_resources(other, snakemake.house)
    assert len(snakemake.asked) == 4
    monkeypatch.setattr(deca_resources, "fingerprint", lambda stage, script: "newer")
    make_resources(other, snakemake.house)
    (snakemake.house / ASKED).write_text("{")
    make_resources(other, snakemake.house)
    assert len(snakemake.asked) == 6


def test_what_cannot_be_made_is_told_and_asked_for_again(snakemake):
    snakemake.status = 1
    for _ in range(2):
        with pytest.raises(UserError, match=r"cannot be made[\s\S]*snakemake --cores all"):
            make_resources(Settings(), snakemake.house)
    assert len(snakemake.asked) == 2 and not (snakemake.house / ASKED).exists()
