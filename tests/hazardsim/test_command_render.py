"""What `hazardsim render` refuses before anything starts."""

import pytest

from hazardsim.cli import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--server", "127.0.0.1:2000", "--samples", "4"], "--samples 4"),
        (["--server", "127.0.0.1:2000", "--variant", "llvm_ad_rgb"], "--variant llvm_ad_rgb"),
        (["--server", "127.0.0.1:2000", "--workers", "2"], "--workers 2"),
        (["--server", "127.0.0.1"], "HOST:PORT"),
        (["--workers", "0"], "--workers 0"),
        (["--warm-up", "-1"], "--warm-up -1"),
        (["--shard", "3/2"], "I from 1 to N"),
        (["--shard", "0/2"], "I from 1 to N"),
        (["--shard", "half"], "I from 1 to N"),
        (["--executor", "cloud"], "executor 'cloud'"),
        (["--width", "0"], "16..8192"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(tmp_path, capsys, arguments, words):
    assert main(["render", *arguments, "--out", str(tmp_path / "out")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert words in lines[0]
    assert not (tmp_path / "out").exists()
