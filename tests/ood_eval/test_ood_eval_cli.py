"""The command line: quick help, one line per expected error, and a whole run."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ood_eval.cli import _one_line, main
from ood_eval.engine.row import read_rows
from ood_eval.engine.summary import SummaryLine
from ood_eval.engine.workplace import exclusive
from ood_eval.errors import DataError
from ood_eval.options import Training
from ood_eval.report.result import read_results
from ood_eval.store import read_lines


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from ood_eval.cli import main; sys.exit(main())", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, ood_eval.cli; print([m for m in ('torch', 'lightning', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    shown = run("--help")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in ("run-caos", "run", "train", "report", "data"))


@pytest.mark.parametrize(
    "words", [("run-caos", "--dta", "x"), ("run-caos", "--data", "x", "--out", "y", "--preset", "big")]
)
def test_wrong_usage_is_two(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["ood_eval", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2


def test_the_plan_is_the_preset_changed_by_options() -> None:
    paper = Training().plan()
    assert (paper.network.kind, paper.network.encoder, paper.recipe.epochs) == ("pspnet", "resnet101", 20)
    assert paper.network.auxiliary
    small = Training(preset="small", epochs=3, encoder="resnet18", segmenter="pspnet").plan()
    assert (small.network.kind, small.network.encoder, small.recipe.epochs) == ("pspnet", "resnet18", 3)


def test_an_error_from_a_reading_process_is_one_line() -> None:
    passed_on = "Caught DataError in worker.\nTraceback\n  File\nood_eval.errors.DataError: a.png: broken\n"
    assert _one_line(DataError(passed_on)) == "a.png: broken"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run-caos", "--data", "/nowhere", "--out", "{out}"), "/nowhere: no such folder"),
        (("run-caos", "--data", "{data}", "--out", "{out}", "--detectors", "mps"), "did you mean msp"),
        (("run-caos", "--data", "{data}", "--out", "{out}", "--checkpoint", "/no.pt"), "/no.pt: no such checkpoint"),
        (("report", "{out}"), "no finished run"),
        (("run", "chaos", "--out", "{out}"), "no such file or shipped suite"),
        (("run", "real", "--out", "{out}", "--checkpoint", "/no.pt"), "/no.pt: no such checkpoint"),
        (("run", "real", "--out", "{out}"), "none of its benchmarks is here"),
        (("run", "caos", "--out", "{out}", "--checkpoint", "/no.pt", "--seeds", "0"), "give only one of them"),
        (("score", "real", "--out", "{out}", "--checkpoint", "/no.pt", "--weights", "w"), "--weights w is for other"),
        (("run", "real", "--out", "{out}", "--checkpoint", "/no.pt", "--segmenter", "pspnet"), "give one"),
        (("run", "real", "--out", "{out}", "--checkpoint", "/no.pt", "--partial-weights"), "--partial-weights is for"),
        (("run", "real", "--out", "{out}", "--partial-weights"), "--partial-weights is for"),
        (("data", "check", "streethazard"), "did you mean streethazards"),
    ],
)
def test_an_expected_error_is_one_line_and_one(
    arguments: tuple[str, ...],
    words: str,
    shared_streets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [part.format(data=shared_streets, out=tmp_path / "out") for part in arguments]
    monkeypatch.setattr(sys, "argv", ["ood_eval", *filled])
    assert main() == 1
    shown = capsys.readouterr()
    last = shown.err.strip().splitlines()[-1]
    assert last.startswith("ood_eval: ")
    assert words in last
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_whole_run(finished_run: Path, shared_streets: Path) -> None:
    out, error = ((finished_run.parent / name).read_text() for name in ("stdout.txt", "stderr.txt"))
    assert all(name in out for name in ("MSP", "MaxLogit", "Background", "Energy", "Entropy", "FPR95"))
    assert "Traceback" not in error
    assert "Warning" not in error
    assert sorted(path.name for path in finished_run.parent.iterdir()) == ["out", "stderr.txt", "stdout.txt"]
    rows = read_rows(next(finished_run.glob("evaluations/*/rows.jsonl")))
    assert len(rows) == (5 + 3) * 2 * 3 + 4  # five detectors, two baselines and chance; four of the segmenter
    assert rows[0].provenance.seed == 0
    assert read_results(finished_run)[0].label == "streethazards"  # the benchmark, not the folder


@pytest.mark.slow
def test_seeds_train_once_each_and_are_summed_up(shared_streets: Path, tmp_path: Path, ood_eval: Callable) -> None:
    words = ["run", "caos", "--data", str(shared_streets), "--out", str(tmp_path / "out"), "--seeds", "0", "1"]
    done = ood_eval(*words, "--detectors", "msp", "--preset", "small", "--encoder", "tu-test_resnet", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("out/training/*/segmenter.pt"))) == 2
    lines = list(read_lines(tmp_path / "out" / "summary.jsonl", SummaryLine))
    assert {line.seeds for line in lines} == {(0, 1)}
    assert all(line.std is not None for line in lines if line.detector == "msp")


def test_data_where_lists_every_benchmark(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["ood_eval", "data", "where"])
    assert main() == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("streethazards", "road_anomaly_21", "lost_and_found", "cityscapes"))


def test_data_check_takes_its_root(
    shared_streets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ood_eval", "data", "check", "streethazards", "--root", str(shared_streets)])
    assert main() == 1  # it is not the public set of 5125, 1031 and 1500 images, and the first finding says so
    shown = capsys.readouterr()
    assert "5125" in shown.out
    assert "Traceback" not in shown.err


def test_training_into_a_folder_that_another_run_uses_is_refused(
    shared_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / ".a.npz.7.part").touch()
    (tmp_path / ".mine.part").mkdir()
    words = ["ood_eval", "train", "--data", str(shared_streets), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    with exclusive(tmp_path):
        assert not list(tmp_path.rglob("*.npz.7.part")), "what a killed run left is swept away"
        assert main() == 1
    shown = capsys.readouterr().err
    assert "another run uses this folder" in shown
    assert "Traceback" not in shown
