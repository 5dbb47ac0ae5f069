use rayon::prelude::*;

use crate::{
    Cancelled, ClusterError, Points, SelectKParams,
    distance_sums::{Cloud, Labelling, silhouettes},
    kmeans::{WithMethod, inertias, labels_for, least_inertia, with_method},
    lloyd::{Converged, Method, lloyd},
    params::CheckedKMeansParams,
    random::Random,
    silhouette::Sample,
};

/// How well one number of clusters fits.
#[derive(Debug, Clone, PartialEq)]
pub struct KScore {
    /// Number of clusters.
    pub k: usize,
    /// Sum of squared distances to the nearest centroid, in squared units of the columns.
    pub inertia: f64,
    /// Mean silhouette, -1 to 1; `None` for one cluster.
    pub silhouette: Option<f64>,
    /// Standard error of `silhouette` when rows were sampled.
    pub silhouette_standard_error: Option<f64>,
    /// Lloyd iterations of the start that was kept.
    pub iterations: u32,
    /// Whether this k has the largest silhouette; of equal ones the smallest k. At most one k is best.
    pub best: bool,
    /// Whether the inertia curve bends most at this k. At most one k is the knee.
    pub knee: bool,
}

/// Fits k-means for every k of a sweep and scores each by inertia (elbow) and silhouette. One entry per k, ascending.
///
/// A start draws its k-means++ centroids once, for the largest k: the first k of them are its draw
/// for k. Every k but the first has as many starts again from the centroids kept for the k before it,
/// with the missing ones drawn anew, so inertia never rises along the sweep. All k share the tree, and
/// a pair's distance is computed once for all silhouettes. The fit of a k is therefore as good as that
/// of [`kmeans`](crate::kmeans) with the same seed, but not the same.
///
/// The knee is that of Kneedle (Satopää et al. 2011) for a convex decreasing curve, without smoothing and on the given
/// k: with k and inertia scaled to [0, 1] over the sweep, the k where (1 - inertia) - k is largest, the smallest of equal
/// ones; none for fewer than three k or when the largest value does not exceed 1e-9, as on a straight line.
///
/// Cost: twice `initializations` fits per k, and n²/2 to n² distances for all silhouettes together. Memory: 4 bytes per
/// distinct row and k, and 64 bytes per distinct row and thread.
///
/// # Errors
/// `no-cluster-counts`, `sample-too-small`, `cancelled`, and those of [`KMeansParams::check`](crate::KMeansParams::check)
/// for any of the k.
pub fn select_k(
    points: &Points,
    params: &SelectKParams,
    cancelled: Cancelled,
) -> Result<Vec<KScore>, ClusterError> {
    let (cluster_counts, largest) = params.check(points)?;
    let fits = with_method(
        points,
        Sweep {
            points,
            cluster_counts: &cluster_counts,
            params: &largest,
            cancelled,
        },
    )?;
    let means = mean_silhouettes(points, &fits, params, cancelled)?;
    let inertias: Vec<f64> = fits.iter().map(|fit| fit.inertia).collect();
    let knee = knee(&cluster_counts, &inertias);
    let best = (0..fits.len())
        .filter(|&at| fits[at].cluster_count > 1)
        .reduce(|best, other| {
            if means[other].0 > means[best].0 {
                other
            } else {
                best
            }
        });
    let describe = |(at, fit): (usize, &Fit)| {
        let is_scored = fit.cluster_count > 1;
        KScore {
            k: fit.cluster_count,
            inertia: points.square_to_outer(fit.inertia),
            silhouette: is_scored.then_some(means[at].0),
            silhouette_standard_error: means[at].1,
            iterations: fit.iterations,
            best: best == Some(at),
            knee: knee == Some(at),
        }
    };
    Ok(fits.iter().enumerate().map(describe).collect())
}

/// The start that was kept for one k.
struct Fit {
    cluster_count: usize,
    labels: Vec<u32>,
    /// In inner units.
    inertia: f64,
    iterations: u32,
}

struct Sweep<'a> {
    points: &'a Points,
    cluster_counts: &'a [usize],
    params: &'a CheckedKMeansParams,
    cancelled: Cancelled<'a>,
}

impl WithMethod for Sweep<'_> {
    type Output = Result<Vec<Fit>, ClusterError>;

    fn run(self, method: &impl Method) -> Self::Output {
        let Self {
            points,
            params,
            cancelled,
            ..
        } = self;
        let seeds = (0..params.initializations)
            .into_par_iter()
            .map(|start| {
                method.seed(
                    &[],
                    params.cluster_count,
                    &mut Random::new(params.seed, start as u64),
                    cancelled,
                )
            })
            .collect::<Result<Vec<_>, _>>()?;
        let starts = self
            .cluster_counts
            .par_iter()
            .flat_map(|&cluster_count| seeds.par_iter().map(move |seed| (cluster_count, seed)))
            .map(|(cluster_count, seed)| {
                let centroids = seed[..cluster_count * points.dimension_count()].to_vec();
                lloyd(
                    points,
                    &mut method.assigner(cluster_count),
                    centroids,
                    params,
                    cancelled,
                )
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut kept: Vec<Converged> = Vec::with_capacity(self.cluster_counts.len());
        for (starts, &cluster_count) in starts
            .chunks(params.initializations)
            .zip(self.cluster_counts)
        {
            let grown = match kept.last() {
                Some(smaller) => self.grow(method, smaller, cluster_count)?,
                None => Vec::new(),
            };
            kept.extend(least_inertia(starts.iter().cloned().chain(grown)));
        }
        Ok(kept
            .into_par_iter()
            .map(|best| Fit::new(method, points, best))
            .collect())
    }
}

impl Sweep<'_> {
    /// As many starts as initializations from the centroids kept for a smaller k, each with its own
    /// draw of the missing ones.
    fn grow(
        &self,
        method: &impl Method,
        smaller: &Converged,
        cluster_count: usize,
    ) -> Result<Vec<Converged>, ClusterError> {
        let Self {
            points,
            params,
            cancelled,
            ..
        } = self;
        (0..params.initializations)
            .into_par_iter()
            .map(|start| {
                let stream = cluster_count * params.initializations + start;
                let mut random = Random::new(params.seed, stream as u64);
                let given = &smaller.centroids;
                let centroids = method.seed(given, cluster_count, &mut random, cancelled)?;
                let mut assigner = method.assigner(cluster_count);
                lloyd(points, &mut assigner, centroids, params, cancelled)
            })
            .collect()
    }
}

impl Fit {
    fn new(method: &impl Method, points: &Points, best: Converged) -> Self {
        let labels = labels_for(method, points, &best.centroids);
        Self {
            cluster_count: best.centroids.len() / points.dimension_count(),
            inertia: inertias(points, &labels, &best.centroids).iter().sum(),
            iterations: best.iterations,
            labels,
        }
    }
}

/// Mean silhouette and, when rows were sampled, its standard error, per fit. Not a number for a single cluster.
fn mean_silhouettes(
    points: &Points,
    fits: &[Fit],
    params: &SelectKParams,
    cancelled: Cancelled,
) -> Result<Vec<(f64, Option<f64>)>, ClusterError> {
    let cloud = Cloud {
        dimension_count: points.dimension_count(),
        coordinates: points.coordinates(),
        weights: points.weights(),
    };
    let mut means = vec![(f64::NAN, None); fits.len()];
    let scored: Vec<usize> = (0..fits.len())
        .filter(|&at| fits[at].cluster_count > 1)
        .collect();
    if scored.is_empty() {
        return Ok(means);
    }
    let labellings = scored
        .iter()
        .map(|&at| Labelling::new(&cloud, &fits[at].labels, fits[at].cluster_count))
        .collect();
    let sample = Sample::draw(points.point_of_row(), &params.silhouette_params());
    let scores = silhouettes(&cloud, labellings, &sample.items, cancelled)?;
    for (at, scores) in scored.into_iter().zip(scores) {
        means[at] = sample.summarize(&scores);
    }
    Ok(means)
}

/// The index of the knee of a decreasing curve, as [`select_k`] defines it.
fn knee(cluster_counts: &[usize], inertias: &[f64]) -> Option<usize> {
    if cluster_counts.len() < 3 {
        return None;
    }
    let last = cluster_counts.len() - 1;
    let k_span = (cluster_counts[last] - cluster_counts[0]) as f64;
    let least = inertias.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = inertias.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if greatest <= least {
        return None;
    }
    let bend = |at: usize| {
        let k = (cluster_counts[at] - cluster_counts[0]) as f64 / k_span;
        (1.0 - (inertias[at] - least) / (greatest - least)) - k
    };
    let (at, largest) = (0..=last)
        .map(|at| (at, bend(at)))
        .reduce(|best, other| if other.1 > best.1 { other } else { best })?;
    (largest > 1e-9).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::knee;

    #[test]
    fn knee_is_where_a_hyperbola_bends_most() {
        // 1/k over 1..=9 scaled: 1 - y - x with y = (1/k - 1/9) / (8/9) and x = (k - 1) / 8 is largest at k = 3.
        let cluster_counts: Vec<usize> = (1..=9).collect();
        let inertias: Vec<f64> = cluster_counts.iter().map(|k| 1.0 / *k as f64).collect();
        assert_eq!(knee(&cluster_counts, &inertias), Some(2));
    }

    #[test]
    fn a_straight_or_short_or_flat_curve_has_no_knee() {
        assert_eq!(knee(&[1, 2, 3, 4], &[4.0, 3.0, 2.0, 1.0]), None);
        assert_eq!(knee(&[1, 4], &[4.0, 1.0]), None);
        assert_eq!(knee(&[1, 2, 3], &[2.0, 2.0, 2.0]), None);
    }
}
