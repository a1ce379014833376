#!/usr/bin/env bash
# The whole way: render a small StreetHazards with the embedded simulator, train on it, run CAOS, point to the report.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/${VENV:-.venv}/bin:$PATH"
OUT=${OUT:-demo}

step() { printf '\n== %s (%d s so far)\n' "$*" "$SECONDS"; }

step "anomaly models from Debian's sweethome3d-furniture (120 MB, once; the procedural ones alone will do without)"
hazardsim assets fetch --yes || echo "going on with the procedural models"
SECONDS=0
step "training frames"
hazardsim render --scenario demo --town Town01 --split training --frames 80 --seed 1 --out "$OUT/data"
step "validation frames"
hazardsim render --scenario demo --town Town01 --split validation --frames 10 --seed 2 --out "$OUT/data"
step "test frames with anomalies, in a town that training never saw"
hazardsim render --scenario demo --town Town05 --anomalies --split test --frames 20 --seed 3 --out "$OUT/data"
hazardsim show "$OUT/data"
step "training a segmenter and running the detectors"
ood_eval run-caos --data "$OUT/data" --preset small --weights imagenet --out "$OUT/caos"
step "done: look at $OUT/data/contact-sheet.png and $OUT/caos/report"
