"""Records scikit-learn's answers on small data sets, for `tests/reference.rs`.

    python record.py        # rewrites reference.json beside this file

Every case has its points, initial centroids, and what KMeans (one start from them), silhouette_samples and
silhouette_score answered. Cases whose answer hangs on rounding are refused: the nearest and the second nearest centroid of
every distinct point must differ by a margin in every iteration.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_samples, silhouette_score

SEED = 60
MARGIN = 1e-9


def blobs(random, row_count, dimension_count, cluster_count, spread=1.0):
    centers = random.uniform(-8, 8, (cluster_count, dimension_count))
    points = centers[random.integers(0, cluster_count, row_count)] + spread * random.normal(size=(row_count, dimension_count))
    return points.round(3)


def lightning(random, row_count):
    """Flashes on a lattice of instrument pixels: longitude and latitude in degrees, many of them repeated."""
    storms = random.uniform([-110, -40], [-40, 45], (15, 2))
    flashes = storms[random.integers(0, 15, row_count)] + 1.5 * random.normal(size=(row_count, 2))
    return (flashes / [0.11, 0.09]).round() * [0.11, 0.09]


def date_line(random, row_count):
    """Storms on both sides of the date line with longitudes running past 180."""
    storms = np.array([[178.9, -12.0], [181.4, -9.0], [183.0, -20.0], [175.0, -30.0]])
    return (storms[random.integers(0, 4, row_count)] + 0.7 * random.normal(size=(row_count, 2))).round(3)


def margin_holds(points, initial, iteration_count):
    """Whether no label was near a tie in any iteration up to the last."""
    for iterations in range(iteration_count + 1):
        centroids = initial
        if iterations:
            centroids = KMeans(len(initial), init=initial, n_init=1, max_iter=iterations, tol=0).fit(points).cluster_centers_
        if len(initial) == 1:
            return True
        nearest = np.sort(((points[:, None] - centroids[None]) ** 2).sum(axis=2), axis=1)
        if np.any(nearest[:, 1] - nearest[:, 0] <= MARGIN * nearest[:, 1].max()):
            return False
    return True


def record(name, points, initial, tolerance=1e-4, iterations_max=300, margin=True):
    points, initial = np.asarray(points, float), np.asarray(initial, float)
    model = KMeans(len(initial), init=initial, n_init=1, max_iter=iterations_max, tol=tolerance).fit(points)
    if margin and not margin_holds(points, initial, model.n_iter_):
        raise SystemExit(f"{name}: a label hangs on rounding; choose other points")
    case = {
        "name": name,
        "columns": points.T.tolist(),
        "initialCentroids": initial.ravel().tolist(),
        "tolerance": tolerance,
        "iterationsMax": iterations_max,
        "labels": model.labels_.tolist(),
        "centroids": model.cluster_centers_.ravel().tolist(),
        "inertia": model.inertia_,
        "iterations": model.n_iter_,
        "silhouette": None,
        "silhouetteSamples": None,
    }
    if 2 <= len(set(model.labels_)) < len(points):
        case["silhouette"] = float(silhouette_score(points, model.labels_))
        case["silhouetteSamples"] = silhouette_samples(points, model.labels_).round(12).tolist()
    return case


def drawn(random, points, cluster_count):
    """Different rows as initial centroids, moved a little so that no point is equally far from two of them."""
    distinct = np.unique(points, axis=0)
    rows = distinct[random.choice(len(distinct), cluster_count, replace=False)]
    return rows + 1e-3 * np.ptp(points, axis=0) * random.uniform(-1, 1, rows.shape)


def cases():
    random = np.random.default_rng(SEED)
    sets = [
        ("blobs-1d", blobs(random, 150, 1, 4), 4),
        ("blobs-2d", blobs(random, 400, 2, 6), 6),
        ("blobs-3d", blobs(random, 250, 3, 5), 5),
        ("blobs-4d", blobs(random, 150, 4, 5, 3.0), 5),
        ("blobs-8d", blobs(random, 150, 8, 7, 4.0), 7),
        ("blobs-32d", blobs(random, 80, 32, 4, 6.0), 9),
        ("overlapping-2d", blobs(random, 400, 2, 9, 4.0), 12),
        ("anisotropic-2d", (blobs(random, 300, 2, 3) @ np.array([[0.6, -0.64], [-0.4, 0.85]])).round(4), 3),
        ("lightning", lightning(random, 600), 12),
        ("date-line", date_line(random, 300), 4),
        ("lattice-with-repeats", random.integers(0, 9, (400, 2)).astype(float), 5),
        ("single-cluster", blobs(random, 60, 2, 2), 1),
    ]
    for name, points, cluster_count in sets:
        yield record(name, points, drawn(random, points, cluster_count))
    points = blobs(random, 300, 2, 5, 3.0)
    initial = drawn(random, points, 6)
    yield record("stopped-by-iterations", points, initial, tolerance=0, iterations_max=3)
    yield record("stopped-by-tolerance", points, initial, tolerance=1e-2)
    yield record("run-until-labels-stand", points, initial, tolerance=0)
    far = initial.copy()
    far[2] = [500.0, 500.0]
    yield record("empty-cluster-2d", points, far)
    yield record("empty-cluster-first-iteration", points, far, iterations_max=1)
    points = blobs(random, 120, 5, 4, 2.0)
    initial = drawn(random, points, 4)
    initial[1] = 400.0
    yield record("empty-cluster-5d", points, initial)
    points = blobs(random, 12, 2, 3)
    yield record("every-row-a-cluster", points, points + 1e-4, margin=False)
    points = np.vstack([blobs(random, 40, 2, 2), [[60.0, 60.0]]])
    yield record("singleton", points, [points[0], points[1] + 0.1, [59.0, 59.0]])


if __name__ == "__main__":
    answers = {"sklearn": sklearn.__version__, "numpy": np.__version__, "seed": SEED, "cases": list(cases())}
    Path(__file__).with_name("reference.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
