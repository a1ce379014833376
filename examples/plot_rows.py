"""Plot one's own rows: every detector's AUROC under two protocols, with the bracket of each number.

python examples/plot_rows.py runs/first out/rows.png
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

from ood_eval.report.result import read_results


def main(run: str = "runs/first", picture: str = "out/rows.png", metric: str = "auroc") -> None:
    rows = [row for result in read_results(Path(run)) for row in result.ranking_rows if row.metric == metric]
    names = list(dict.fromkeys(row.detector for row in rows))
    figure, axes = plt.subplots(figsize=(6, 1 + 0.3 * len(names)), layout="constrained")
    for shift, protocol in ((-0.15, "caos"), (0.15, "dataset")):
        chosen = [row for row in rows if row.protocol == protocol]
        places = [names.index(row.detector) + shift for row in chosen]
        values = [100 * row.value for row in chosen]
        bracket = [[100 * (row.value - row.low) for row in chosen], [100 * (row.high - row.value) for row in chosen]]
        axes.errorbar(values, places, xerr=bracket, fmt="o", label=protocol)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(f"{metric} (%)")
    axes.invert_yaxis()
    axes.legend()
    Path(picture).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=150)
    print(f"{len(rows)} numbers of {len(names)} detectors: {picture}")


if __name__ == "__main__":
    main(*sys.argv[1:])
