"""`ood_eval detectors` lists what there is and what it needs, and checks a detector of one's own."""

import sys
from pathlib import Path

import pytest

from ood_eval import cli
from ood_eval.commands.detectors import Detectors
from ood_eval.detectors import DETECTORS
from ood_eval.detectors.steps import STEPS

OWN = """
from ood_eval.detectors import Detector

class Mine(Detector):
    reads = frozenset({"logits", "map"})

    def score_map(self, prediction):
        return SCORES
"""


def test_every_detector_and_step_is_listed_with_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    Detectors().run()
    lines = capsys.readouterr().out.splitlines()
    told = {line.split()[0]: (line, lines[number + 1]) for number, line in enumerate(lines[:-1]) if line[:1].strip()}
    assert set(DETECTORS) <= set(told)
    assert told["msp"][0].endswith("MSP: maximum softmax probability.")
    needs = {name: second.strip() for name, (_, second) in told.items()}
    assert needs["maxlogit"] == "reads logits"
    assert needs["energy"] == "reads logits; energy(temperature=1.0)"
    assert needs["mahalanobis"] == (
        "reads penultimate features; sees the training split first; mahalanobis(ridge=0.001)"
    )
    assert "trains a network of its own (autoencoder)" in needs["ae"]
    assert all(any(line.startswith(f"  {step}") for line in lines) for step in STEPS)


@pytest.mark.parametrize(
    ("scores", "code", "words"),
    [("-prediction.top[0]", 0, "keeps the contract"), ("prediction.top[0].double()", 1, "float64, not float32")],
)
def test_a_detector_of_ones_own_is_checked_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    scores: str, code: int, words: str,
) -> None:  # fmt: skip
    name = f"checked_{code}"
    (tmp_path / f"{name}.py").write_text(OWN.replace("SCORES", scores))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", ["ood_eval", "detectors", "--check", f"{name}:Mine", "msp"])
    assert cli.main() == code
    told = capsys.readouterr()
    (line,) = [one for one in (told.out + told.err).splitlines() if "Mine" in one]
    assert words in line


def test_a_traceback_is_shown_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "raises_here.py").write_text(OWN.replace("SCORES", "[][0]"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", ["ood_eval", "detectors", "--check", "raises_here:Mine"])
    assert cli.main() == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "breaks with IndexError: list index out of range (" in told
    monkeypatch.setenv("OOD_EVAL_DEBUG", "1")
    assert cli.main() == 1
    assert "Traceback" in capsys.readouterr().err
