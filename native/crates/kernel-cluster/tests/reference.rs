//! Results from given initial centroids against scikit-learn's, recorded by `reference/record.py`.

use kernel_cluster::{KMeansParams, Points, SilhouetteParams, kmeans, silhouette};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    columns: Vec<Vec<f64>>,
    initial_centroids: Vec<f64>,
    tolerance: f64,
    iterations_max: usize,
    labels: Vec<i32>,
    centroids: Vec<f64>,
    inertia: f64,
    iterations: u32,
    silhouette: Option<f64>,
    silhouette_samples: Option<Vec<f64>>,
}

impl Case {
    fn points(&self) -> Points {
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        Points::from_columns(&columns).unwrap()
    }
}

fn cases() -> Vec<Case> {
    let reference: Reference =
        serde_json::from_str(include_str!("reference/reference.json")).unwrap();
    assert!(reference.cases.len() >= 20);
    reference.cases
}

#[test]
fn fits_from_given_centroids_equal_the_recorded_ones() {
    for case in cases() {
        let params = KMeansParams {
            cluster_count: case.initial_centroids.len() / case.columns.len(),
            tolerance: case.tolerance,
            iterations_max: case.iterations_max,
            initial_centroids: Some(case.initial_centroids.clone()),
            ..KMeansParams::default()
        };
        let fit = kmeans(&case.points(), &params, &|| false).unwrap();
        let labels: Vec<i32> = fit.labels.iter().map(|label| label.unwrap()).collect();
        assert_eq!(labels, case.labels, "{}", case.name);
        assert_eq!(fit.iterations, case.iterations, "{}", case.name);
        assert!(
            (fit.inertia - case.inertia).abs() <= 1e-9 * case.inertia,
            "{}: {}",
            case.name,
            fit.inertia
        );
        assert!(
            (fit.inertias.iter().sum::<f64>() - fit.inertia).abs() <= 1e-12 * fit.inertia,
            "{}",
            case.name
        );
        for (ours, theirs) in fit.centroids.iter().zip(&case.centroids) {
            assert!(
                (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
                "{}: {ours} {theirs}",
                case.name
            );
        }
        for (cluster, size) in (0i32..).zip(&fit.sizes) {
            assert_eq!(
                *size as usize,
                case.labels
                    .iter()
                    .filter(|label| **label == cluster)
                    .count(),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn silhouettes_equal_the_recorded_ones() {
    let scored = cases().into_iter().filter(|case| case.silhouette.is_some());
    for case in scored {
        let result = silhouette(
            &case.points(),
            &case.labels,
            &SilhouetteParams::default(),
            &|| false,
        )
        .unwrap();
        assert!(
            (result.score - case.silhouette.unwrap()).abs() <= 1e-9,
            "{}: {}",
            case.name,
            result.score
        );
        assert_eq!(result.standard_error, None);
        assert_eq!(result.row_count, case.labels.len());
        for (ours, theirs) in result
            .samples
            .iter()
            .zip(case.silhouette_samples.as_ref().unwrap())
        {
            assert!(
                (ours - theirs).abs() <= 1e-9,
                "{}: {ours} {theirs}",
                case.name
            );
        }
    }
}
