#!/bin/bash
# Builds the image `render`, renders two frames in it as a user without rights, and checks that they are whole.
# Needs a Docker engine, no GPU. With `eval` as argument it also trains and scores for a minute in the image `eval`.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d) && chmod 777 "$out"
trap 'rm -rf "$out"' EXIT
small="--town Town01 --width 96 --height 64 --samples 1"

docker build -f docker/Dockerfile --target render -t hazardsim:render .
docker run --rm -v "$out:/data" hazardsim:render render $small --frames 2 --out /data/set
[ "$(find "$out/set/train/images" -name '*.png' | wc -l)" = 2 ]
[ "$(docker run --rm --entrypoint id hazardsim:render -u)" = 1000 ]

if [ "${1:-}" = eval ]; then
    docker run --rm -v "$out:/data" hazardsim:render render $small --frames 2 --anomalies --out /data/set
    docker build -f docker/Dockerfile --target eval -t hazardsim:eval .
    docker run --rm -v "$out:/data" hazardsim:eval run-caos --data /data/set --out /data/caos --preset small --epochs 1
    [ -f "$out/caos/report/index.html" ]
fi
echo "smoke: the images work"
