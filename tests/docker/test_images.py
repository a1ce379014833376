"""The real Dockerfile, built and run by buildah without an engine: frames made inside equal frames made outside.

Takes some minutes and 10 GB of disk for a while. Skipped where buildah and debootstrap are missing or may not be used.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BASE = "localhost/hazardsim-test-base"
IMAGE = "localhost/hazardsim-test:render"
FRAMES = ("render", "--town", "Town01", "--frames", "2", "--width", "96", "--height", "64", "--samples", "1")
CERTIFICATES = Path("/etc/ssl/certs")


def run(*command, timeout=1200):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}"
    return result.stdout.strip()


def buildah(*arguments):
    return run("buildah", "--storage-driver=vfs", *arguments)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A Debian 12 of this machine's own package source, since no image registry is asked."""
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing or os.getuid() != 0:
        pytest.skip(f"building an image needs root, buildah and debootstrap; missing: {', '.join(missing) or 'root'}")
    sources = "\n".join(p.read_text() for p in Path("/etc/apt").rglob("*") if p.suffix in {".list", ".sources"})
    mirror = re.search(r"https?://\S+/debian/?(?=\s)", sources)
    if mirror is None:
        pytest.skip("this machine's package sources name no Debian mirror")
    folder = tmp_path_factory.mktemp("base") / "root"
    run("debootstrap", "--variant=minbase", "bookworm", folder, mirror.group())
    container = buildah("from", "scratch")
    buildah("add", container, folder, "/")
    buildah("commit", "--rm", container, BASE)
    shutil.rmtree(folder)
    yield BASE
    buildah("rmi", "--force", BASE)


@pytest.fixture(scope="module")
def image(base, tmp_path_factory):
    """The target `render`; this machine's pip configuration is lent to the build and stays out of the image."""
    pip = tmp_path_factory.mktemp("pip")
    lent = [(pip, "/etc/xdg/pip"), (CERTIFICATES, "/mnt/certificates")]
    settings = ["[global]"]
    if (CERTIFICATES / "ca-certificates.crt").exists():
        settings.append("cert = /mnt/certificates/ca-certificates.crt")
    known = run(sys.executable, "-m", "pip", "config", "list")
    wheels = re.search(r"find-links='([^']+)'", known)
    if wheels is not None and Path(wheels.group(1)).is_dir():
        settings.append(f"find-links = {wheels.group(1)}")
        lent.append((Path(wheels.group(1)), wheels.group(1)))
    (pip / "pip.conf").write_text("\n".join(settings) + "\n")
    volumes = [part for source, target in lent for part in ("--volume", f"{source}:{target}:ro")]
    options = ["--isolation", "chroot", "--network", "host", "--build-arg", f"BASE={base}", "--target", "render"]
    buildah("bud", *options, *volumes, "--tag", IMAGE, "--file", ROOT / "docker" / "Dockerfile", ROOT)
    yield IMAGE
    buildah("rmi", "--force", IMAGE)


def test_frames_made_in_the_image_equal_frames_made_outside(image, tmp_path):
    container = buildah("from", image)
    try:
        inside = ("run", "--isolation", "chroot", "--user", "1000", container, "--")
        assert buildah(*inside, "id", "-un") == "hazardsim"
        assert buildah(*inside, "hazardsim", *FRAMES, "--out", "/data/set") == "/data/set"
        run(sys.executable, "-m", "hazardsim.cli", *FRAMES, "--out", tmp_path / "outside")
        mounted = Path(buildah("mount", container)) / "data" / "set"
        made = {p.relative_to(mounted): p.read_bytes() for p in mounted.rglob("*") if p.is_file()}
        outside = tmp_path / "outside"
        assert len([p for p in made if p.suffix == ".png"]) == 8
        assert made == {p.relative_to(outside): p.read_bytes() for p in outside.rglob("*") if p.is_file()}
    finally:
        buildah("rm", container)
