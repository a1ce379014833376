#!/usr/bin/env bash
# The table of docs/results.md: StreetHazards at a fiftieth, every detector, three training runs. About an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/${VENV:-.venv}/bin:$PATH"
OUT=${OUT:-out/mini}

step() { printf '\n== %s (%d s so far)\n' "$*" "$SECONDS"; }

step "anomaly models from Debian's sweethome3d-furniture (120 MB, once; the procedural ones alone will do without)"
hazardsim assets fetch --yes || echo "going on with the procedural models"
SECONDS=0
step "training frames: 103 of three towns (StreetHazards has 5125)"
hazardsim render --scenario streethazards-mini --town Town01 Town02 Town03 --split training --frames 103 --seed 11 --out "$OUT/data"
step "validation frames: 21 of a fourth town (1031)"
hazardsim render --scenario streethazards-mini --town Town04 --split validation --frames 21 --seed 12 --out "$OUT/data"
step "test frames with anomalies: 30 of a fifth and a sixth town (1500)"
hazardsim render --scenario streethazards-mini --town Town05 Town06 --anomalies --split test --frames 30 --seed 13 --out "$OUT/data"
hazardsim show "$OUT/data"
step "training with three seeds, every detector under every protocol, report"
ood_eval run streethazards-mini --data "$OUT/data" --preset small --weights imagenet --seeds 0 1 2 --out "$OUT/runs"
step "done: look at $OUT/data/contact-sheet.png and $OUT/runs/report"
