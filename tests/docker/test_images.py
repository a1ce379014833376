"""The real Dockerfile, built and run by buildah without an engine: what its images make is what is made outside.

`make images`: some minutes, and some gigabytes of disk for a while. Skipped where buildah and debootstrap are missing
or may not be used. Of the image `eval`, all but torch is installed as for a user: torch with CUDA alone is larger than
the rest together, so this machine's own is lent to the build, and pip finds it installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.images]

ROOT = Path(__file__).parents[2]
BASE = "localhost/hazardsim-test-base"
SMALL = ("--town", "Town01", "--frames", "2", "--width", "96", "--height", "64", "--samples", "1")
CERTIFICATES = Path("/etc/ssl/certs")
LENT = Path("/mnt/lent")
MIRROR = "https://deb.debian.org/debian"
WITH_CUDA = re.compile(r"torch|torchvision|triton|(nvidia|cuda)[-_].*")


def run(*command, timeout=1200):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}"
    return result.stdout.strip()


@dataclass
class Buildah:
    """Images in a store of their own; overlay mounts where the kernel lets us, since vfs copies every layer."""

    store: Path
    driver: str

    def __call__(self, *arguments, timeout=1200):
        where = ("--root", self.store / "root", "--runroot", self.store / "run", "--storage-driver", self.driver)
        return run("buildah", *where, *arguments, timeout=timeout)

    def build(self, target, volumes):
        """An image of the Dockerfile; with overlay mounts, layers that an earlier target shares are not made again."""
        options = ["--isolation", "chroot", "--network", "host", *(["--layers"] if self.driver == "overlay" else [])]
        options += ["--build-arg", f"BASE={BASE}", "--build-arg", "TORCH_INDEX="]
        tag = f"localhost/hazardsim-test:{target}"
        file = ROOT / "docker" / "Dockerfile"
        self("bud", *options, "--target", target, *mounts(volumes), "--tag", tag, "--file", file, ROOT)
        return tag

    def inside(self, image, command, volumes):
        """What a command of an image says that runs as the user without rights."""
        container = self("from", image)
        try:
            return self("run", "--isolation", "chroot", *mounts(volumes), "--user", "1000", container, "--", *command)
        finally:
            self("rm", container)


def mounts(volumes):
    return [part for source, target in volumes for part in ("--volume", f"{source}:{target}")]


def overlay_works(folder):
    parts = {name: folder / name for name in ("lower", "upper", "work", "merged")}
    for part in parts.values():
        part.mkdir()
    options = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
    command = ["mount", "-t", "overlay", "overlay", "-o", options, str(parts["merged"])]
    if subprocess.run(command, capture_output=True).returncode != 0:
        return False
    run("umount", parts["merged"])
    return True


@pytest.fixture(scope="module")
def buildah(tmp_path_factory):
    """A Debian 12 of this machine's own package source (or the public one) as `BASE`; no image registry is asked."""
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing or os.getuid() != 0:
        pytest.skip(f"building an image needs root, buildah and debootstrap; missing: {', '.join(missing) or 'root'}")
    sources = "\n".join(p.read_text() for p in Path("/etc/apt").rglob("*") if p.suffix in {".list", ".sources"})
    mirror = re.search(r"https?://\S+/debian/?(?=\s)", sources)
    folder = tmp_path_factory.mktemp("images")
    made = Buildah(folder / "store", "overlay" if overlay_works(folder) else "vfs")
    container = made("from", "scratch")
    run("debootstrap", "--variant=minbase", "bookworm", made("mount", container), mirror.group() if mirror else MIRROR)
    made("umount", container)
    made("commit", "--rm", container, BASE)
    yield made
    made("rm", "--all")
    made("rmi", "--all", "--force")
    subprocess.run(["umount", "--quiet", str(made.store / "root" / made.driver)], capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def pip(tmp_path_factory):
    """This machine's pip configuration, lent to the builds; it stays out of the images."""
    folder = tmp_path_factory.mktemp("pip")
    lent = [(folder, "/etc/xdg/pip:ro"), (CERTIFICATES, "/mnt/certificates:ro")]
    settings = ["[global]"]
    if (CERTIFICATES / "ca-certificates.crt").exists():
        settings.append("cert = /mnt/certificates/ca-certificates.crt")
    known = run(sys.executable, "-m", "pip", "config", "list")
    wheels = re.search(r"find-links='([^']+)'", known)
    if wheels is not None and Path(wheels.group(1)).is_dir():
        settings.append(f"find-links = {wheels.group(1)}")
        lent.append((wheels.group(1), f"{wheels.group(1)}:ro"))
    (folder / "pip.conf").write_text("\n".join(settings) + "\n")
    return lent


@pytest.fixture(scope="module")
def torch(tmp_path_factory):
    """This machine's torch and all that came with it, one mount a folder."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the image has Python 3.11: another version's torch cannot be lent to it")
    found = {}
    for package in distributions():
        if WITH_CUDA.fullmatch(package.name.lower()):
            tops = {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}
            found |= {top: Path(str(package.locate_file(top))) for top in tops}
    assert {"torch", "torchvision"} <= found.keys()
    path = tmp_path_factory.mktemp("lent") / "lent.pth"
    path.write_text(f"{LENT}\n")
    place = "/opt/venv/lib/python3.11/site-packages/lent.pth"
    return [(path, f"{place}:ro"), *((source, f"{LENT / top}:ro") for top, source in sorted(found.items()))]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The folder that is /data in the containers; it belongs to their user."""
    folder = tmp_path_factory.mktemp("data")
    shutil.chown(folder, 1000, 1000)
    return folder


@pytest.fixture(scope="module")
def rendered(buildah, pip, data):
    """A training and a test split of two frames each, made in the image `render`."""
    image = buildah.build("render", pip)
    volumes = [(data, "/data")]
    assert buildah.inside(image, ["id", "-un"], volumes) == "hazardsim"
    for options in ((), ("--anomalies",)):
        said = buildah.inside(image, ["hazardsim", "render", *SMALL, *options, "--out", "/data/set"], volumes)
        assert said == "/data/set"
    return data / "set"


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_frames_made_in_the_image_equal_frames_made_outside(rendered, tmp_path):
    run(sys.executable, "-m", "hazardsim.cli", "render", *SMALL, "--anomalies", "--out", tmp_path / "outside")
    outside = tree(tmp_path / "outside")
    assert len([name for name in outside if name.endswith(".png")]) == 8
    assert {name: content for name, content in tree(rendered).items() if name.startswith("test/")} == outside


def test_a_segmenter_is_trained_and_scored_in_the_image(rendered, buildah, pip, torch, data):
    image = buildah.build("eval", [*pip, *torch])
    volumes = [(data, "/data"), *torch]
    names = "import sys, sklearn, lightning, torch; print(sklearn.__file__, lightning.__file__, torch.__file__)"
    *installed, lent = buildah.inside(image, ["python", "-c", names], volumes).split()
    assert all(file.startswith("/opt/venv/") for file in installed)
    assert lent.startswith(str(LENT))
    command = [
        "ood_eval",
        "run-caos",
        "--data",
        "/data/set",
        "--out",
        "/data/caos",
        "--preset",
        "small",
        "--epochs",
        "1",
    ]
    buildah.inside(image, [*command, "--detectors", "msp", "maxlogit"], volumes)
    assert (data / "caos" / "report" / "index.html").stat().st_uid == 1000
    rows = (data / "caos" / "report").glob("*.json*")
    assert any("maxlogit" in path.read_text() for path in rows)
