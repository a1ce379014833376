"""What a result's code is: the modules that it imports and no others."""

from pathlib import Path

import pytest

from ood_eval import code
from ood_eval.code import code_of, sources_of, text_of
from ood_eval.errors import ConfigError


def _edit(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Makes some files read as if a comment had been added."""
    real = code._content
    monkeypatch.setattr(code, "_content", lambda path: real(path) + (b"# edited\n" if path.name in names else b""))


def test_a_comment_counts_where_it_is_imported_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"ood_eval.detectors.{name}" for name in ("knn", "msp", "energy")]
    before = [code_of(name) for name in names]
    assert len(set(before)) == 3
    _edit(monkeypatch, "knn.py", "campaign.py", "page.py")
    after = [code_of(name) for name in names]
    assert after[0] != before[0]
    assert after[1:] == before[1:]
    _edit(monkeypatch, "detector.py")
    assert all(now != then for now, then in zip(map(code_of, names), before, strict=True))


def test_several_modules_are_one_hash_in_any_order() -> None:
    one, other = "ood_eval.detectors.knn", "ood_eval.detectors.msp"
    assert code_of(one, other) == code_of(other, one) not in {code_of(one), code_of(other)}


def test_the_text_of_a_module_is_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ood_eval.detectors.knn"
    before = text_of(name)
    _edit(monkeypatch, "detector.py", "feature_bank.py")
    assert text_of(name) == before != text_of(name, "ood_eval.detectors.msp")
    _edit(monkeypatch, "knn.py")
    assert text_of(name) != before


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: a loose module that uses a loose helper, a package beside it, and another that nobody uses."""
    files = {
        "mine_method.py": "import torch\nimport mine_near\nfrom ood_eval.detectors.knn import KNN\n",
        "mine_near.py": "def f():\n    from mine_pack import part\n",
        "mine_pack/__init__.py": "",
        "mine_pack/part.py": "from .deep import x\nfrom . import also\n",
        "mine_pack/deep.py": "x = 1\n",
        "mine_pack/also.py": "",
        "mine_pack/unused.py": "",
        "mine_unused.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    code._folder_of.cache_clear()
    return tmp_path


def test_a_users_modules_count_as_far_as_they_import_each_other(own: Path) -> None:
    found = set(sources_of("mine_method"))
    assert {name for name in found if name.startswith("mine")} == {
        "mine_method", "mine_near", "mine_pack", "mine_pack.part", "mine_pack.deep", "mine_pack.also",
    }  # fmt: skip
    assert {"ood_eval.detectors.knn", "ood_eval.detectors.detector"} <= found
    before = code_of("mine_method")
    (own / "mine_unused.py").write_text("# edited")
    (own / "mine_pack/unused.py").write_text("# edited")
    assert code_of("mine_method") == before
    (own / "mine_pack/deep.py").write_text("x = 2\n")
    assert code_of("mine_method") != before


def test_a_package_counts_without_what_lies_beside_it(own: Path) -> None:
    (own / "mine_pack/part.py").write_text("import mine_unused\n")
    assert set(sources_of("mine_pack.part")) == {"mine_pack.part"}


def test_code_without_a_file_is_named(own: Path) -> None:
    with pytest.raises(ConfigError, match="no_such_module: has no source file"):
        code_of("no_such_module.part")
    (own / "mine_near.py").write_text("def f(:\n")
    with pytest.raises(ConfigError, match=r"mine_near\.py: line 1"):
        code_of("mine_method")
