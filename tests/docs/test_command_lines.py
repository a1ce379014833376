"""Every command line in the documentation is understood by the program, and those of the tutorials do what they say."""

import shlex

import pytest
import yaml

from hazardsim.commands import COMMANDS as HAZARDSIM
from hazardsim.scenario.spec import scenario_from_data
from ood_eval.commands import COMMANDS as OOD_EVAL
from tests.docs.conftest import ROOT, command_lines, load

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.py")])
WITH_COMMANDS = [page for page in PAGES if command_lines(page)]


def test_command_lines_are_found_at_all():
    assert sum(len(command_lines(page)) for page in WITH_COMMANDS) > 30


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_is_understood(page, call, monkeypatch, capsys):
    asked = []
    for kind in (*HAZARDSIM.values(), *OOD_EVAL.values()):
        monkeypatch.setattr(kind, "run", lambda self: asked.append(self) or 0)
    for words in command_lines(page):
        assert call(words) == 0, f"{shlex.join(words)}: {capsys.readouterr().err}"
    assert len(asked) == len(command_lines(page))


def test_a_misspelt_option_would_be_noticed(call, capsys):
    assert call(["hazardsim", "render", "--twon", "Town05"]) == 2


@pytest.mark.slow
@pytest.mark.xdist_group("docs")
class TestTutorials:
    def test_the_first_data_set(self, first):
        assert (first / "data/first/contact-sheet.png").is_file()
        assert (first / "runs/first/report/index.html").is_file()
        manifest = (first / "data/first/test/test.jsonl").read_text().splitlines()
        assert len(manifest) == 3  # it has grown

    def test_my_own_city(self, tmp_path, follow, crossing, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "my-city.osm").write_text(crossing.read_text())
        follow(ROOT / "docs/tutorials/own-city.md")
        assert (tmp_path / "data/my-city/contact-sheet.png").is_file()

    def test_my_own_anomaly(self, tmp_path, call, monkeypatch, capsys):
        """Its rendering is that of the example; what comes before it is done here, and the page's scenario read."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HAZARDSIM_CACHE", str(tmp_path / "cache"))
        page = ROOT / "docs/tutorials/own-anomaly.md"
        load(ROOT / "examples/own_anomaly.py").saucer().export(tmp_path / "my-thing.glb")
        for words in command_lines(page)[:2]:
            assert call(words) == 0
        assert "my-thing" in capsys.readouterr().out.splitlines()[-1]
        scenario = page.read_text().partition("```yaml\n")[2].partition("```")[0]
        assert scenario_from_data(yaml.safe_load(scenario), "page").anomalies.categories == ("spaceship",)

    def test_my_own_network(self, first, call, tiny, monkeypatch, capsys):
        """Networks of others are downloads, or need weights: the tutorial's own one stands for them."""
        monkeypatch.chdir(first)
        text = (ROOT / "examples/own_torch_model.py").read_text()
        section = text.partition("[start:network]\n")[2].partition("# --8<-- [end")[0]
        (first / "my_network.py").write_text(section)
        assert call(command_lines(ROOT / "docs/tutorials/own-network.md")[0]) == 0
        assert "MaxLogit" in capsys.readouterr().out

    def test_my_own_detector(self, first, follow, monkeypatch, capsys):
        monkeypatch.chdir(first)
        text = (ROOT / "examples/own_detector.py").read_text()
        section = text.partition("[start:detector]\n")[2].partition("# --8<-- [end")[0]
        (first / "my_detector.py").write_text(section)
        follow(ROOT / "docs/tutorials/own-detector.md")
        assert "Margin" in capsys.readouterr().out
