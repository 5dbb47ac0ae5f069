use rayon::prelude::*;

use crate::{
    Cancelled, ClusterError, KMeansParams, Points,
    dense_lloyd::DenseMethod,
    lloyd::{Assigner, Converged, Method, Totals, lloyd, squared_distance},
    params::CheckedKMeansParams,
    points::ABSENT,
    random::Random,
    tree_lloyd::TreeMethod,
};

/// A clustering. Coordinates are in the units of the columns, squared lengths in their square.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansFit {
    /// One label per input row, 0..k; `None` for rows that were left out.
    pub labels: Vec<Option<i32>>,
    /// k × d, row-major.
    pub centroids: Vec<f64>,
    /// Rows per cluster, k.
    pub sizes: Vec<i64>,
    /// Sum of squared distances to the centroid per cluster, k.
    pub inertias: Vec<f64>,
    /// Their sum.
    pub inertia: f64,
    /// Lloyd iterations of the start that was kept.
    pub iterations: u32,
}

/// Partitions the points into k clusters by Lloyd's algorithm (Lloyd 1982) from greedy k-means++ starts, and keeps the
/// start with least inertia; of equal ones the first. Defined as in scikit-learn's `KMeans`, to which it is equal when
/// `initial_centroids` are given.
///
/// Up to three dimensions a kd-tree is filtered, with more Hamerly's bounds are kept: the result is the same. An empty
/// cluster receives the row farthest from its centroid. Equal seeds give equal results on any number of threads.
///
/// Memory: per thread 12 bytes per distinct row up to three dimensions, 24 with more.
///
/// # Errors
/// Those of [`KMeansParams::check`], and `cancelled`.
pub fn kmeans(
    points: &Points,
    params: &KMeansParams,
    cancelled: Cancelled,
) -> Result<KMeansFit, ClusterError> {
    let params = params.check(points)?;
    with_method(
        points,
        KMeans {
            points,
            params: &params,
            cancelled,
        },
    )
}

struct KMeans<'a> {
    points: &'a Points,
    params: &'a CheckedKMeansParams,
    cancelled: Cancelled<'a>,
}

impl WithMethod for KMeans<'_> {
    type Output = Result<KMeansFit, ClusterError>;

    fn run(self, method: &impl Method) -> Self::Output {
        let Self {
            points,
            params,
            cancelled,
        } = self;
        let starts = (0..params.initializations)
            .into_par_iter()
            .map(|start| {
                let centroids = match &params.initial_centroids {
                    Some(centroids) => centroids.clone(),
                    None => {
                        let mut random = Random::new(params.seed, start as u64);
                        method.seed(&[], params.cluster_count, &mut random, cancelled)?
                    }
                };
                lloyd(
                    points,
                    &mut method.assigner(params.cluster_count),
                    centroids,
                    params,
                    cancelled,
                )
            })
            .collect::<Result<Vec<_>, _>>()?;
        let best = least_inertia(starts).ok_or(ClusterError::NoInitializations)?;
        let labels = labels_for(method, points, &best.centroids);
        Ok(describe(points, &labels, &best))
    }
}

/// Work that is generic over the method, because the method's type depends on the number of dimensions.
pub(crate) trait WithMethod {
    type Output;
    fn run(self, method: &impl Method) -> Self::Output;
}

/// Runs `work` with the method that suits the number of dimensions: from about four on, boxes overlap too many cells.
pub(crate) fn with_method<W: WithMethod>(points: &Points, work: W) -> W::Output {
    match points.dimension_count() {
        1 => work.run(&TreeMethod::<1>::new(points)),
        2 => work.run(&TreeMethod::<2>::new(points)),
        3 => work.run(&TreeMethod::<3>::new(points)),
        _ => work.run(&DenseMethod::new(points)),
    }
}

/// The start with least inertia, the first of equal ones.
pub(crate) fn least_inertia(starts: impl IntoIterator<Item = Converged>) -> Option<Converged> {
    starts.into_iter().reduce(|best, other| {
        if other.inertia < best.inertia {
            other
        } else {
            best
        }
    })
}

/// The nearest centroid of every distinct point.
pub(crate) fn labels_for(method: &impl Method, points: &Points, centroids: &[f64]) -> Vec<u32> {
    let cluster_count = centroids.len() / points.dimension_count();
    let mut assigner = method.assigner(cluster_count);
    assigner.assign(
        centroids,
        &mut Totals::new(cluster_count, points.dimension_count()),
    );
    assigner.labels()
}

/// Weighted squared distances to the labelled centroids, per cluster, in inner units. Summed per block, then over blocks.
pub(crate) fn inertias(points: &Points, labels: &[u32], centroids: &[f64]) -> Vec<f64> {
    let dimension_count = points.dimension_count();
    let mut inertias = vec![0.0; centroids.len() / dimension_count];
    let mut block = inertias.clone();
    for (start, block_labels) in labels
        .chunks(4096)
        .enumerate()
        .map(|(at, labels)| (at * 4096, labels))
    {
        block.fill(0.0);
        for (point, &label) in (start..).zip(block_labels) {
            let centroid = &centroids[label as usize * dimension_count..][..dimension_count];
            block[label as usize] +=
                points.weights()[point] * squared_distance(points.point(point), centroid);
        }
        inertias
            .iter_mut()
            .zip(&block)
            .for_each(|(total, sum)| *total += sum);
    }
    inertias
}

fn describe(points: &Points, labels: &[u32], best: &Converged) -> KMeansFit {
    let inner = inertias(points, labels, &best.centroids);
    let mut sizes = vec![0i64; inner.len()];
    for (&label, &weight) in labels.iter().zip(points.weights()) {
        sizes[label as usize] += weight as i64;
    }
    KMeansFit {
        labels: points
            .point_of_row()
            .iter()
            .map(|&point| (point != ABSENT).then(|| labels[point as usize] as i32))
            .collect(),
        centroids: points.to_outer(&best.centroids),
        sizes,
        inertia: points.square_to_outer(inner.iter().sum()),
        inertias: inner
            .into_iter()
            .map(|inertia| points.square_to_outer(inertia))
            .collect(),
        iterations: best.iterations,
    }
}
