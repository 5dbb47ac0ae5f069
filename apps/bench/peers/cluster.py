"""scikit-learn's side of the cluster scenarios.

    cluster.py SCENARIO --points FILE [--repeats N]

Writes FILE if it does not exist, so that both sides see the same points: two columns of little-endian float64, one after
the other (longitude and latitude in degrees of storms of different sizes over a thin background). The silhouette
scenarios also write FILE.labels, little-endian int32, from a fit that is not timed. Prints JSON; seconds are the least
of the repeats.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

ROW_COUNTS = {"kmeans-1m": 1_000_000, "sweep-20k": 20_000, "silhouette-40k": 40_000, "silhouette-100k": 100_000}
CLUSTER_COUNT = 12
SEED = 60


def make_points(row_count: int) -> np.ndarray:
    """Returns (row_count, 2) float64: 90 % of the rows in 40 normal storms, the others spread evenly."""
    random = np.random.default_rng(SEED)
    centers = random.uniform([-120, -50], [-30, 50], (40, 2))
    spreads = random.uniform(0.3, 3.0, (40, 1))
    storms = random.integers(0, 40, row_count)
    points = centers[storms] + spreads[storms] * random.normal(size=(row_count, 2))
    background = random.random(row_count) < 0.1
    points[background] = random.uniform([-130, -55], [-20, 55], (int(background.sum()), 2))
    return points


def load_points(file: Path, row_count: int) -> np.ndarray:
    """Returns the points of the file, which is written first if there is none."""
    if not file.exists():
        make_points(row_count).T.astype("<f8").tofile(file)
    return np.ascontiguousarray(np.fromfile(file, "<f8").reshape(2, -1).T)


def fit(points: np.ndarray, cluster_count: int) -> KMeans:
    """Ten k-means++ starts with scikit-learn's defaults."""
    return KMeans(cluster_count, n_init=10, random_state=SEED).fit(points)


def run_fit(points: np.ndarray) -> dict:
    return {"inertia": fit(points, CLUSTER_COUNT).inertia_}


def run_sweep(points: np.ndarray) -> dict:
    inertias, silhouettes = [], []
    for cluster_count in range(1, 24):
        model = fit(points, cluster_count)
        inertias.append(model.inertia_)
        if cluster_count > 1:
            silhouettes.append(float(silhouette_score(points, model.labels_)))
    return {"inertia": inertias, "silhouette": silhouettes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=ROW_COUNTS)
    parser.add_argument("--points", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    points = load_points(arguments.points, ROW_COUNTS[arguments.scenario])
    if arguments.scenario == "kmeans-1m":
        work = lambda: run_fit(points)
    elif arguments.scenario == "sweep-20k":
        work = lambda: run_sweep(points)
    else:
        labels = KMeans(CLUSTER_COUNT, n_init=1, random_state=SEED).fit(points).labels_
        labels.astype("<i4").tofile(f"{arguments.points}.labels")
        work = lambda: {"silhouette": float(silhouette_score(points, labels))}
    seconds = float("inf")
    for _ in range(arguments.repeats):
        started = time.perf_counter()
        quality = work()
        seconds = min(seconds, time.perf_counter() - started)
    print(json.dumps({"scenario": arguments.scenario, "rows": len(points), "seconds": round(seconds, 4), **quality,
                      "version": sklearn.__version__}))


if __name__ == "__main__":
    main()
