"""The files of `docker/` as their own tools read them; no engine is needed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
PROFILES = ("embedded", "carla", "derived", "eval")


def tool(name):
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("file", ["Dockerfile", "derived/Dockerfile"])
def test_the_linter_has_nothing_to_say(file):
    result = subprocess.run([tool("hadolint"), str(DOCKER / file)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_a_compose_implementation_accepts_every_profile(profile):
    command = [tool("podman-compose"), "-f", str(DOCKER / "compose.yaml"), "--profile", profile, "config"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    read = yaml.safe_load(result.stdout)["services"]
    own = {name for name, service in COMPOSE["services"].items() if profile in service["profiles"]}
    assert own
    assert own <= set(read)
    for name in own & {name for name in read if name.startswith("capture")}:
        (server,) = read[name]["depends_on"]
        assert read[name]["depends_on"][server]["condition"] == "service_healthy"
        assert f"{server}:2000" in read[name]["command"]
        assert read[server]["healthcheck"]["test"][:3] == ["CMD", "bash", "/ready.sh"]


def test_a_compose_file_with_a_fault_is_refused(tmp_path):
    broken = tmp_path / "compose.yaml"
    broken.write_text("services:\n  one:\n    image: ${IMAGE:-x\n")
    command = [tool("podman-compose"), "-f", str(broken), "config"]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).returncode != 0


@pytest.mark.slow
def test_every_command_of_the_containers_parses():
    """An option that the command line no longer knows is found here and not in somebody's container."""
    programs = {"eval": "ood_eval"}
    for name, service in COMPOSE["services"].items():
        if name.startswith("carla"):
            continue
        words = re.sub(r"\$\{[A-Z]+:-([^}]*)\}", r"\1", service["command"]).split()
        program = programs.get(name, "hazardsim")
        result = subprocess.run(
            [sys.executable, "-m", f"{program}.cli", words[0], "--help"], capture_output=True, text=True, timeout=60
        )
        assert result.returncode == 0
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", result.stdout), f"{name}: {program} {words[0]} has no {option}"


def test_what_the_image_needs_is_sent_to_the_builder():
    """Every path that a COPY names passes .dockerignore, which leaves everything else out."""
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in (DOCKER / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and not line.startswith("COPY . "):
            assert set(line.split()[1:-1]) <= kept
    assert {"hazardsim", "ood_eval", "assets", "scenarios", "README.md", "LICENSE"} <= kept


@pytest.mark.parametrize("extras", [(), ("eval", "weights")])
def test_every_package_of_an_image_is_pinned(extras):
    """What `requirements.py` hands to pip in the image has one version in constraints.txt."""
    command = [sys.executable, str(DOCKER / "requirements.py"), str(ROOT / "pyproject.toml"), *extras]
    if sys.version_info < (3, 11):
        pytest.skip("the script is for the Python 3.11 of the image")
    wanted = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    names = {re.split(r"[<>=!~; \[]", line, maxsplit=1)[0] for line in wanted}
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==\S+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert len(names) > 5
    assert {normal(name) for name in {*names, "hatchling"}} <= {normal(name) for name in pinned}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()
