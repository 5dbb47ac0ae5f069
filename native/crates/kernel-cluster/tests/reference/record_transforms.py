"""Records scikit-learn's answers for the tests of the transforms `select-k` and `standardize`.

    python record_transforms.py        # rewrites transforms.json beside this file

A sweep is only recorded where 100 starts and 600 starts under another seed end with the same least inertia for every k,
so that the answer is the optimum and not luck. Columns to standardize have null for a missing value, which scikit-learn
takes as NaN, leaves out of mean and deviation, and keeps.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

SEED = 61


def blobs(random, row_count, centers, spread):
    centers = np.asarray(centers, float)
    points = centers[np.arange(row_count) % len(centers)] + spread * random.normal(size=(row_count, centers.shape[1]))
    return points.round(3)


def best_fit(points, cluster_count):
    fits = [KMeans(cluster_count, n_init=starts, tol=0, random_state=starts).fit(points) for starts in (100, 600)]
    if not np.isclose(fits[0].inertia_, fits[1].inertia_, rtol=1e-12, atol=0):
        raise SystemExit(f"{cluster_count} clusters: the optimum is not clear; choose other points")
    return fits[1]


def sweep(name, points, counts):
    scores = []
    for count in counts:
        fit = best_fit(points, count)
        silhouette = float(silhouette_score(points, fit.labels_)) if count > 1 else None
        scores.append({"k": count, "inertia": fit.inertia_, "silhouette": silhouette})
    best = max((score for score in scores if score["silhouette"] is not None), key=lambda score: score["silhouette"])
    return {"name": name, "columns": points.T.tolist(), "scores": scores, "best": best["k"]}


def standardized(name, values):
    given = np.array([np.nan if value is None else value for value in values], float)
    answer = StandardScaler().fit_transform(given[:, None])[:, 0]
    return {
        "name": name,
        "values": values,
        "standardized": [None if np.isnan(value) else float(value) for value in answer],
    }


def sweeps():
    random = np.random.default_rng(SEED)
    yield sweep("five-blobs-2d", blobs(random, 60, [[0, 0], [9, 1], [4, 8], [-6, 7], [1, -9]], 1.1), range(1, 7))
    yield sweep("three-blobs-3d", blobs(random, 45, [[0, 0, 0], [5, 5, 0], [0, 6, 5]], 0.8), range(2, 6))
    yield sweep("four-blobs-1d", blobs(random, 40, [[-9], [-2], [4], [15]], 0.7), range(2, 7))


def columns():
    random = np.random.default_rng(SEED)
    plain = random.normal(3, 2, 40).round(4).tolist()
    yield standardized("plain", plain)
    yield standardized("with-nulls", [None if row % 5 == 2 else value for row, value in enumerate(plain)])
    yield standardized("far-from-zero", [1e6 + value for value in plain])
    yield standardized("constant", [2.5] * 6)
    yield standardized("constant-with-nulls", [None, 7.0, 7.0, None])
    yield standardized("integers", random.integers(-1000, 1000, 40).tolist())
    yield standardized("one-value", [4.0])


if __name__ == "__main__":
    answers = {
        "sklearn": sklearn.__version__,
        "numpy": np.__version__,
        "seed": SEED,
        "sweeps": list(sweeps()),
        "columns": list(columns()),
    }
    Path(__file__).with_name("transforms.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
