//! What must hold on any input, checked against direct computations written out here.

use std::sync::atomic::{AtomicUsize, Ordering};

use kernel_cluster::{
    ClusterError, KMeansParams, Points, SelectKParams, SilhouetteParams, kmeans, select_k,
    silhouette,
};

const NEVER: &(dyn Fn() -> bool + Sync) = &|| false;

/// Columns of made-up blobs: a linear congruential generator, so that no test depends on the crate's own.
fn blobs(row_count: usize, dimension_count: usize, blob_count: usize) -> Vec<Vec<f64>> {
    let mut state = 12_345u64;
    let mut unit = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let centers: Vec<f64> = (0..blob_count * dimension_count)
        .map(|_| unit() * 20.0)
        .collect();
    let mut columns = vec![Vec::with_capacity(row_count); dimension_count];
    for _ in 0..row_count {
        let blob = (unit() * blob_count as f64) as usize;
        for (dimension, column) in columns.iter_mut().enumerate() {
            column.push(centers[blob * dimension_count + dimension] + unit() + unit() + unit());
        }
    }
    columns
}

fn points(columns: &[Vec<f64>]) -> Points {
    Points::from_columns(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

fn square(columns: &[Vec<f64>], row: usize, centroid: &[f64]) -> f64 {
    columns
        .iter()
        .zip(centroid)
        .map(|(column, x)| (column[row] - x).powi(2))
        .sum()
}

fn distance(columns: &[Vec<f64>], a: usize, b: usize) -> f64 {
    columns
        .iter()
        .map(|column| (column[a] - column[b]).powi(2))
        .sum::<f64>()
        .sqrt()
}

fn on_threads<T: Send>(thread_count: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(thread_count)
        .build()
        .unwrap()
        .install(work)
}

fn params(cluster_count: usize) -> KMeansParams {
    KMeansParams {
        cluster_count,
        initializations: 4,
        ..KMeansParams::default()
    }
}

#[test]
fn every_method_puts_rows_at_the_nearest_centroid_and_centroids_at_the_mean() {
    for dimension_count in [1, 2, 3, 4, 9, 33, 64] {
        let columns = blobs(5_000, dimension_count, 9);
        let params = KMeansParams {
            tolerance: 0.0,
            ..params(9)
        };
        let fit = kmeans(&points(&columns), &params, NEVER).unwrap();
        let mut inertia = 0.0;
        let mut sums = vec![0.0; 9 * dimension_count];
        for row in 0..5_000 {
            let label = fit.labels[row].unwrap() as usize;
            let squares: Vec<f64> = fit
                .centroids
                .chunks(dimension_count)
                .map(|centroid| square(&columns, row, centroid))
                .collect();
            let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(
                squares[label] <= least * (1.0 + 1e-9),
                "{dimension_count} dimensions, row {row}"
            );
            inertia += squares[label];
            (0..dimension_count).for_each(|t| sums[label * dimension_count + t] += columns[t][row]);
        }
        assert!((fit.inertia - inertia).abs() <= 1e-9 * inertia);
        for (at, centroid) in fit.centroids.iter().enumerate() {
            let mean = sums[at] / fit.sizes[at / dimension_count] as f64;
            assert!(
                (centroid - mean).abs() < 1e-9,
                "{dimension_count} dimensions"
            );
        }
    }
}

#[test]
fn tree_and_bounds_give_the_same_fit() {
    let plane = blobs(20_000, 2, 15);
    let mut lifted = plane.clone();
    lifted.extend([vec![0.0; 20_000], vec![0.0; 20_000]]);
    let start: Vec<[f64; 2]> = (0..15)
        .map(|cluster| [plane[0][cluster * 7], plane[1][cluster * 7]])
        .collect();
    let in_plane = KMeansParams {
        initial_centroids: Some(start.concat()),
        tolerance: 0.0,
        ..params(15)
    };
    let in_space = KMeansParams {
        initial_centroids: Some(start.iter().flat_map(|[x, y]| [*x, *y, 0.0, 0.0]).collect()),
        ..in_plane.clone()
    };
    let by_tree = kmeans(&points(&plane), &in_plane, NEVER).unwrap();
    let by_bounds = kmeans(&points(&lifted), &in_space, NEVER).unwrap();
    assert!(by_tree.iterations > 5);
    assert_eq!(by_tree.labels, by_bounds.labels);
    assert_eq!(by_tree.iterations, by_bounds.iterations);
    assert!((by_tree.inertia - by_bounds.inertia).abs() <= 1e-12 * by_tree.inertia);
}

#[test]
fn results_do_not_depend_on_the_thread_count() {
    for dimension_count in [2, 6] {
        let columns = blobs(40_000, dimension_count, 8);
        let run = |thread_count: usize| {
            on_threads(thread_count, || {
                let points = points(&columns);
                let fit = kmeans(&points, &params(8), NEVER).unwrap();
                let labels: Vec<i32> = fit.labels.iter().map(|label| label.unwrap()).collect();
                let sample = SilhouetteParams {
                    sample: Some(500),
                    seed: 3,
                };
                let score = silhouette(&points, &labels, &sample, NEVER).unwrap();
                let sweep = SelectKParams {
                    cluster_counts: vec![2, 5, 8],
                    initializations: 2,
                    silhouette_sample: Some(300),
                    ..SelectKParams::default()
                };
                (fit, score.score, select_k(&points, &sweep, NEVER).unwrap())
            })
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(3));
    }
}

#[test]
fn seeds_name_results() {
    let columns = blobs(3_000, 2, 12);
    let points = points(&columns);
    let with_seed = |seed| {
        let params = KMeansParams {
            seed,
            initializations: 1,
            ..params(12)
        };
        kmeans(&points, &params, NEVER).unwrap()
    };
    assert_eq!(with_seed(1), with_seed(1));
    assert!((2..20).any(|seed| with_seed(seed).inertia != with_seed(1).inertia));
}

#[test]
fn seeded_fits_find_well_separated_blobs() {
    for dimension_count in [1, 2, 3, 5] {
        let mut columns = vec![Vec::new(); dimension_count];
        for row in 0..700 {
            for (dimension, column) in columns.iter_mut().enumerate() {
                column.push((row % 7) as f64 * 100.0 + ((row / 7 + dimension) % 10) as f64);
            }
        }
        let fit = kmeans(&points(&columns), &params(7), NEVER).unwrap();
        assert_eq!(fit.sizes, [100; 7]);
        let first_seven: std::collections::BTreeSet<_> = fit.labels[..7].iter().collect();
        assert_eq!(first_seven.len(), 7);
        assert!((7..700).all(|row| fit.labels[row] == fit.labels[row % 7]));
    }
}

#[test]
fn silhouettes_equal_the_definition() {
    for dimension_count in [1, 2, 5] {
        let columns = blobs(600, dimension_count, 6);
        // Labels that cut across the blobs, with gaps, a row alone, and rows without a label.
        let labels: Vec<i32> = (0..600)
            .map(|row| match row {
                17 => 1_000_000,
                _ if row % 13 == 0 => -1,
                _ => (columns[0][row] / 3.0) as i32 * 5,
            })
            .collect();
        let result = silhouette(
            &points(&columns),
            &labels,
            &SilhouetteParams::default(),
            NEVER,
        )
        .unwrap();
        let mut total = 0.0;
        for row in 0..600 {
            if labels[row] < 0 {
                assert!(result.samples[row].is_nan());
                continue;
            }
            let expected = silhouette_by_definition(&columns, &labels, row);
            assert!(
                (result.samples[row] - expected).abs() < 1e-12,
                "{dimension_count} dimensions, row {row}"
            );
            total += expected;
        }
        assert!((result.score - total / result.row_count as f64).abs() < 1e-12);
    }
}

fn silhouette_by_definition(columns: &[Vec<f64>], labels: &[i32], row: usize) -> f64 {
    let mut clusters = std::collections::BTreeMap::<i32, (f64, f64)>::new();
    for other in (0..labels.len()).filter(|&other| other != row && labels[other] >= 0) {
        let (sum, count) = clusters.entry(labels[other]).or_default();
        *sum += distance(columns, row, other);
        *count += 1.0;
    }
    let Some((sum, count)) = clusters.remove(&labels[row]) else {
        return 0.0;
    };
    let a = sum / count;
    let b = clusters
        .values()
        .map(|(sum, count)| sum / count)
        .fold(f64::INFINITY, f64::min);
    (b - a) / a.max(b)
}

#[test]
fn a_sweep_scores_like_single_silhouettes() {
    let columns = blobs(3_000, 2, 6);
    let points = points(&columns);
    let params = SelectKParams {
        cluster_counts: vec![8, 1, 6, 3, 6, 2],
        ..SelectKParams::default()
    };
    let scores = select_k(&points, &params, NEVER).unwrap();
    assert_eq!(
        scores.iter().map(|score| score.k).collect::<Vec<_>>(),
        [1, 2, 3, 6, 8]
    );
    assert_eq!(scores[0].silhouette, None);
    assert!(
        scores
            .windows(2)
            .all(|pair| pair[1].inertia <= pair[0].inertia)
    );
    for score in &scores[1..] {
        let fit = kmeans(
            &points,
            &KMeansParams {
                cluster_count: score.k,
                ..KMeansParams::default()
            },
            NEVER,
        )
        .unwrap();
        if (fit.inertia - score.inertia).abs() < 1e-9 * fit.inertia {
            let labels: Vec<i32> = fit.labels.iter().map(|label| label.unwrap()).collect();
            let single = silhouette(&points, &labels, &SilhouetteParams::default(), NEVER).unwrap();
            assert!(
                (single.score - score.silhouette.unwrap()).abs() < 1e-9,
                "k = {}",
                score.k
            );
        } else {
            assert!(score.k > 6, "k = {} has one clear optimum", score.k);
        }
    }
}

#[test]
fn the_best_k_is_the_number_of_separate_blobs() {
    let mut columns = vec![Vec::new(), Vec::new()];
    for row in 0..900 {
        let blob = row % 5;
        columns[0].push(f64::from(blob) * 40.0 + f64::from(row / 5 % 12));
        columns[1].push(f64::from(blob * blob) * 30.0 + f64::from(row / 60));
    }
    let params = SelectKParams {
        cluster_counts: (1..=9).collect(),
        ..SelectKParams::default()
    };
    let scores = select_k(&points(&columns), &params, NEVER).unwrap();
    assert_eq!(
        scores
            .iter()
            .filter(|score| score.best)
            .map(|score| score.k)
            .collect::<Vec<_>>(),
        [5]
    );
    assert_eq!(scores.iter().filter(|score| score.knee).count(), 1);
}

#[test]
fn a_sample_estimates_the_score_within_its_standard_error() {
    let columns = blobs(8_000, 2, 5);
    let points = points(&columns);
    let fit = kmeans(&points, &params(7), NEVER).unwrap();
    let labels: Vec<i32> = fit.labels.iter().map(|label| label.unwrap()).collect();
    let exact = silhouette(&points, &labels, &SilhouetteParams::default(), NEVER).unwrap();
    let mut within_two = 0;
    for seed in 0..40 {
        let params = SilhouetteParams {
            sample: Some(400),
            seed,
        };
        let sampled = silhouette(&points, &labels, &params, NEVER).unwrap();
        let standard_error = sampled.standard_error.unwrap();
        within_two += usize::from((sampled.score - exact.score).abs() < 2.0 * standard_error);
        let scored: Vec<usize> = (0..8_000)
            .filter(|&row| !sampled.samples[row].is_nan())
            .collect();
        assert_eq!(scored.len(), 400);
        assert!(
            scored
                .iter()
                .all(|&row| (sampled.samples[row] - exact.samples[row]).abs() < 1e-12)
        );
    }
    assert!(
        within_two >= 34,
        "{within_two} of 40 within two standard errors, 38 expected"
    );
}

#[test]
fn repeated_rows_count_as_often_as_they_occur() {
    let base = blobs(300, 2, 4);
    let repeated: Vec<Vec<f64>> = base
        .iter()
        .map(|column| {
            column
                .iter()
                .flat_map(|x| std::iter::repeat_n(*x, 10))
                .collect()
        })
        .collect();
    let start: Vec<f64> = (0..4)
        .flat_map(|cluster| [base[0][cluster], base[1][cluster]])
        .collect();
    let params = KMeansParams {
        initial_centroids: Some(start),
        ..params(4)
    };
    let once = kmeans(&points(&base), &params, NEVER).unwrap();
    let tenfold = kmeans(&points(&repeated), &params, NEVER).unwrap();
    assert!((tenfold.inertia - 10.0 * once.inertia).abs() < 1e-9 * tenfold.inertia);
    assert!((0..3_000).all(|row| tenfold.labels[row] == once.labels[row / 10]));
    let labels: Vec<i32> = tenfold.labels.iter().map(|label| label.unwrap()).collect();
    let score = silhouette(
        &points(&repeated),
        &labels,
        &SilhouetteParams::default(),
        NEVER,
    )
    .unwrap();
    for row in (0..3_000).step_by(97) {
        assert!(
            (score.samples[row] - silhouette_by_definition(&repeated, &labels, row)).abs() < 1e-12
        );
    }
}

#[test]
fn left_out_rows_get_no_label_and_change_nothing() {
    let columns = blobs(500, 2, 3);
    let mut with_holes = columns.clone();
    for (at, hole) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
        .into_iter()
        .enumerate()
    {
        with_holes[at % 2].insert(100 * at, hole);
        with_holes[(at + 1) % 2].insert(100 * at, 5.0);
    }
    let whole = kmeans(&points(&columns), &params(3), NEVER).unwrap();
    let holed = kmeans(&points(&with_holes), &params(3), NEVER).unwrap();
    assert_eq!([0, 100, 200].map(|row| holed.labels[row]), [None; 3]);
    assert_eq!(holed.labels.iter().flatten().count(), 500);
    assert!((holed.inertia - whole.inertia).abs() <= 1e-9 * whole.inertia);
}

#[test]
fn small_inputs_answer_or_say_why_not() {
    let none = points(&[vec![], vec![]]);
    let exceeds = |cluster_count, distinct_row_count, row_count| {
        Err(ClusterError::ClusterCountExceedsRows {
            cluster_count,
            distinct_row_count,
            row_count,
        })
    };
    assert_eq!(kmeans(&none, &params(1), NEVER), exceeds(1, 0, 0));
    let only_null = points(&[vec![f64::NAN], vec![1.0]]);
    assert_eq!(kmeans(&only_null, &params(1), NEVER), exceeds(1, 0, 0));

    let one = kmeans(&points(&[vec![3.0], vec![4.0]]), &params(1), NEVER).unwrap();
    assert_eq!(
        (one.labels, one.centroids, one.sizes, one.inertia),
        (vec![Some(0)], vec![3.0, 4.0], vec![1], 0.0)
    );

    let equal = points(&[vec![7.5; 50], vec![-1.25; 50]]);
    let fit = kmeans(&equal, &params(1), NEVER).unwrap();
    assert_eq!(
        (fit.centroids, fit.sizes, fit.inertia),
        (vec![7.5, -1.25], vec![50], 0.0)
    );
    assert_eq!(kmeans(&equal, &params(2), NEVER), exceeds(2, 1, 50));

    for dimension_count in [1, 2, 5] {
        let columns = blobs(40, dimension_count, 4);
        let all = kmeans(&points(&columns), &params(40), NEVER).unwrap();
        assert_eq!(all.sizes, [1; 40], "{dimension_count} dimensions");
        assert!(all.inertia < 1e-20);
        assert_eq!(
            kmeans(&points(&columns), &params(41), NEVER),
            exceeds(41, 40, 40)
        );
    }
}

#[test]
fn two_far_outliers_and_huge_or_tiny_coordinates_stay_finite() {
    for scale in [1e300, 1e-300, 1e15, 1.0] {
        let x: Vec<f64> = (0..400)
            .map(|row| scale * (f64::from(row % 4) + 1e-3 * f64::from(row / 4)))
            .collect();
        for dimension_count in [1, 2, 3, 4] {
            let fit = kmeans(
                &points(&vec![x.clone(); dimension_count]),
                &params(4),
                NEVER,
            )
            .unwrap();
            assert_eq!(
                fit.sizes, [100; 4],
                "scale {scale}, {dimension_count} dimensions"
            );
            assert!(fit.centroids.iter().all(|x| x.is_finite()));
        }
    }
}

#[test]
fn an_empty_cluster_receives_the_farthest_row() {
    let columns = vec![vec![0.0, 0.1, 0.2, 10.0, 10.1, 30.0]];
    let params = KMeansParams {
        initial_centroids: Some(vec![0.0, 1e6, 2e6]),
        ..params(3)
    };
    let fit = kmeans(&points(&columns), &params, NEVER).unwrap();
    let expected: f64 = 0.02 + 0.005;
    assert!((fit.inertia - expected).abs() < 1e-12, "{}", fit.inertia);
    let mut sizes = fit.sizes.clone();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2, 3]);
}

#[test]
fn wrong_params_are_refused_by_cause() {
    let columns = blobs(20, 2, 2);
    let points = points(&columns);
    let code = |params: KMeansParams| kmeans(&points, &params, NEVER).unwrap_err().code();
    assert_eq!(code(params(0)), "cluster-count-out-of-range");
    assert_eq!(code(params(21)), "cluster-count-exceeds-rows");
    assert_eq!(
        code(KMeansParams {
            initializations: 0,
            ..params(2)
        }),
        "no-initializations"
    );
    assert_eq!(
        code(KMeansParams {
            iterations_max: 0,
            ..params(2)
        }),
        "no-iterations"
    );
    assert_eq!(
        code(KMeansParams {
            tolerance: -1.0,
            ..params(2)
        }),
        "tolerance-out-of-range"
    );
    assert_eq!(
        code(KMeansParams {
            tolerance: f64::NAN,
            ..params(2)
        }),
        "tolerance-out-of-range"
    );
    let with_centroids = |centroids| KMeansParams {
        initial_centroids: Some(centroids),
        ..params(2)
    };
    assert_eq!(
        code(with_centroids(vec![0.0; 3])),
        "initial-centroids-shape"
    );
    assert_eq!(
        code(with_centroids(vec![0.0, 1.0, 2.0, f64::NAN])),
        "initial-centroid-not-finite"
    );
}

#[test]
fn wrong_labels_sweeps_and_columns_are_refused_by_cause() {
    let points = points(&blobs(20, 2, 2));
    let score = |labels: &[i32], params| {
        silhouette(&points, labels, &params, NEVER)
            .unwrap_err()
            .code()
    };
    assert_eq!(
        score(&[0; 19], SilhouetteParams::default()),
        "label-count-differs"
    );
    assert_eq!(
        score(&[4; 20], SilhouetteParams::default()),
        "silhouette-needs-two-clusters"
    );
    assert_eq!(
        score(&[-1; 20], SilhouetteParams::default()),
        "silhouette-needs-two-clusters"
    );
    assert_eq!(
        score(
            &[0; 20],
            SilhouetteParams {
                sample: Some(1),
                seed: 0
            }
        ),
        "sample-too-small"
    );

    let sweep = |cluster_counts| {
        select_k(
            &points,
            &SelectKParams {
                cluster_counts,
                ..SelectKParams::default()
            },
            NEVER,
        )
        .unwrap_err()
        .code()
    };
    assert_eq!(sweep(vec![]), "no-cluster-counts");
    assert_eq!(sweep(vec![2, 0]), "cluster-count-out-of-range");
    assert_eq!(sweep(vec![2, 21]), "cluster-count-exceeds-rows");

    assert_eq!(Points::from_columns(&[]).unwrap_err().code(), "no-columns");
    assert_eq!(
        Points::from_columns(&[&[1.0], &[1.0, 2.0]])
            .unwrap_err()
            .code(),
        "column-lengths-differ"
    );
}

#[test]
fn cancelling_at_any_poll_ends_every_call() {
    for dimension_count in [2, 5] {
        let columns = blobs(2_000, dimension_count, 4);
        let points = points(&columns);
        let labels: Vec<i32> = (0..2_000).map(|row| row % 3).collect();
        let sweep = SelectKParams {
            cluster_counts: vec![2, 3],
            initializations: 2,
            ..SelectKParams::default()
        };
        for polls in [0, 1, 5, 20] {
            let cancelled_after = |polls: usize| {
                let asked = AtomicUsize::new(0);
                move || asked.fetch_add(1, Ordering::Relaxed) >= polls
            };
            assert_eq!(
                kmeans(&points, &params(6), &cancelled_after(polls)),
                Err(ClusterError::Cancelled)
            );
            assert_eq!(
                select_k(&points, &sweep, &cancelled_after(polls)),
                Err(ClusterError::Cancelled)
            );
            let score = silhouette(
                &points,
                &labels,
                &SilhouetteParams::default(),
                &cancelled_after(polls),
            );
            assert_eq!(score, Err(ClusterError::Cancelled));
        }
    }
}
