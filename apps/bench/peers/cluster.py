"""scikit-learn's side of the cluster scenarios.

    cluster.py make FILE ROWS                          writes the points, if FILE is not there yet
    cluster.py kmeans|sweep|silhouette FILE            answers repetitions, see serve.py

FILE holds two columns of little-endian float64, one after the other: longitude and latitude in degrees of storms of
different sizes over a thin background. FILE.labels holds one little-endian int32 per row, from a fit, for `silhouette`.
The repetition's number is the seed. k is 12 but in the sweep, where it runs from 1 to 23; ten starts always.
"""

import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from serve import serve

CLUSTER_COUNT = 12
SWEEP = range(1, 24)
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


def make(file: Path, row_count: int) -> None:
    """Writes the labels first, so that a file of points is never without them."""
    if file.exists():
        return
    points = make_points(row_count)
    labels = KMeans(CLUSTER_COUNT, n_init=1, random_state=SEED).fit(points).labels_
    labels.astype("<i4").tofile(f"{file}.labels")
    points.T.astype("<f8").tofile(file)


def fit(points: np.ndarray, cluster_count: int, seed: int) -> KMeans:
    """Ten k-means++ starts with scikit-learn's other defaults."""
    return KMeans(cluster_count, n_init=10, random_state=seed).fit(points)


def sweep(points: np.ndarray, seed: int) -> dict:
    inertias, silhouettes = [], []
    for cluster_count in SWEEP:
        model = fit(points, cluster_count, seed)
        inertias.append(model.inertia_)
        if cluster_count > 1:
            silhouettes.append(float(silhouette_score(points, model.labels_)))
    return {"inertias": inertias, "silhouettes": silhouettes}


def main(task: str, file: Path) -> None:
    points = np.ascontiguousarray(np.fromfile(file, "<f8").reshape(2, -1).T)
    labels = np.fromfile(f"{file}.labels", "<i4")
    work = {
        "kmeans": lambda seed: {"inertia": fit(points, CLUSTER_COUNT, seed).inertia_},
        "sweep": lambda seed: sweep(points, seed),
        "silhouette": lambda _: {"silhouette": float(silhouette_score(points, labels))},
    }[task]
    serve(work, lambda result: {"rows": len(points), **result}, versions={"scikit-learn": sklearn.__version__})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", file, row_count]:
            make(Path(file), int(row_count))
        case [("kmeans" | "sweep" | "silhouette") as task, file]:
            main(task, Path(file))
        case _:
            sys.exit(__doc__)
