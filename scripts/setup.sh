#!/usr/bin/env bash
# Set up everything that `make demo` and `make test` need: an LLVM library, a virtual environment, the packages.
# Does nothing that is done already. Without apt or without root it names what to install and goes on where it can.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv}
EXTRAS=${EXTRAS:-eval,weights,test,docs,dev}
say() { printf 'setup: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

apt_updated=
install() {
    if [ -z "$apt_updated" ]; then
        say "apt-get update"
        as_root apt-get -qq update
        apt_updated=yes
    fi
    say "apt-get install $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# Mitsuba's fast CPU variant loads LLVM at run time; 14 to 16 abort it, 17 and later work.
has_llvm() {
    find /usr/lib /usr/local/lib /usr/lib64 -maxdepth 4 -name 'libLLVM*.so*' 2>/dev/null |
        grep -qE 'libLLVM(-|\.so\.)(1[7-9]|2[0-9])'
}

find_python() {
    for name in python3.11 python3.12 python3.10 python3; do
        command -v "$name" >/dev/null || continue
        "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null || continue
        "$name" -c 'import ensurepip, venv' 2>/dev/null || continue
        command -v "$name"
        return 0
    done
    return 1
}

# Done already, and for all that is asked for now? Packages of an earlier, larger setup stay.
stamp="$VENV/.ready"
wanted=$(cat pyproject.toml constraints.txt scripts/setup.sh | sha256sum | cut -d' ' -f1)
ready=$(cat "$stamp" 2>/dev/null || true)
if [[ $ready == "$wanted",* ]]; then
    lacking=
    for extra in ${EXTRAS//,/ }; do
        [[ $ready == *",$extra,"* ]] || lacking=yes
    done
    [ -n "$lacking" ] || exit 0
fi

[ "$(uname -m)" = x86_64 ] || say "the carla package exists for x86_64 only: ood_eval will work here, rendering will not"

if ! has_llvm; then
    if may_install; then
        install libllvm19 || install libllvm18 || install libllvm17 ||
            say "no LLVM 17 or later in this system's packages: rendering falls back to scalar_rgb, about 4 times slower"
    else
        say "please install libllvm19 (Debian, Ubuntu) or LLVM 17 or later: without it rendering is about 4 times slower"
    fi
fi

# drjit, below Mitsuba, is linked against it; a minimal Debian has no libatomic.
if ! ldconfig -p 2>/dev/null | grep -q 'libatomic\.so\.1'; then
    if may_install; then
        install libatomic1
    else
        say "please install libatomic1 (Debian, Ubuntu) or libatomic: without it Mitsuba does not start"
    fi
fi

# Only the test of the report page needs a browser; it says so and is skipped where there is none.
if [ "${EXTRAS/test/}" != "$EXTRAS" ] && ! command -v chromedriver >/dev/null && may_install; then
    install chromium chromium-driver || say "no chromium here: the report page is not tested in a browser"
fi

python=$(find_python) || {
    may_install && install python3 python3-venv
    python=$(find_python)
} || die "Python 3.10, 3.11 or 3.12 with venv is needed (the carla package has no build for others): please install it"

if [ ! -x "$VENV/bin/python" ]; then
    say "virtual environment in $VENV with $("$python" --version)"
    "$python" -m venv "$VENV"
fi
constraints=()
if "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    constraints=(-c constraints.txt) # the versions this was tested with; some of them need 3.11
fi
say "Python packages ($EXTRAS): several GB where torch brings CUDA, a minute or two"
# Python compiles what it imports; all 17,000 files beforehand would take another minute or two.
"$VENV/bin/python" -m pip install -q --no-compile --disable-pip-version-check --progress-bar off "${constraints[@]}" -e ".[$EXTRAS]"
printf '%s' "$wanted,$EXTRAS," >"$stamp"
say "done: . $VENV/bin/activate"
