use crate::{ClusterError, Points};

/// What a caller asks of [`kmeans`](crate::kmeans). Checked against the rows when the call starts.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansParams {
    /// Number of clusters k, from 1 to the number of distinct rows.
    pub cluster_count: usize,
    /// Starts from fresh k-means++ centroids, of which the one with least inertia is kept. At least 1.
    pub initializations: usize,
    /// Most Lloyd iterations per start. At least 1.
    pub iterations_max: usize,
    /// Stop when the squared shift of all centroids together is at most this share of the mean variance of the
    /// columns. Dimensionless, finite, at least 0; 0 runs until no label changes.
    pub tolerance: f64,
    /// Names the random draws; equal seeds give equal results on any number of threads.
    pub seed: u64,
    /// k × d coordinates, row-major, in the units of the columns. There is then one start, from here.
    pub initial_centroids: Option<Vec<f64>>,
}

impl Default for KMeansParams {
    /// scikit-learn's defaults with ten starts: 8 clusters, 300 iterations, tolerance 1e-4, seed 0.
    fn default() -> Self {
        Self {
            cluster_count: 8,
            initializations: 10,
            iterations_max: 300,
            tolerance: 1e-4,
            seed: 0,
            initial_centroids: None,
        }
    }
}

/// [`KMeansParams`] that fit the rows they were checked against. Made by [`KMeansParams::check`].
#[derive(Debug, Clone)]
pub struct CheckedKMeansParams {
    pub(crate) cluster_count: usize,
    pub(crate) initializations: usize,
    pub(crate) iterations_max: usize,
    /// The largest squared shift that ends a start, in the units of [`Points`].
    pub(crate) shift_max: f64,
    pub(crate) seed: u64,
    /// In the units of [`Points`].
    pub(crate) initial_centroids: Option<Vec<f64>>,
}

impl KMeansParams {
    /// Checks every field against the rows.
    ///
    /// # Errors
    /// `cluster-count-out-of-range`, `cluster-count-exceeds-rows`, `no-initializations`, `no-iterations`,
    /// `tolerance-out-of-range`, `initial-centroids-shape`, `initial-centroid-not-finite`.
    pub fn check(&self, points: &Points) -> Result<CheckedKMeansParams, ClusterError> {
        check_cluster_count(self.cluster_count, points)?;
        if self.initializations == 0 {
            return Err(ClusterError::NoInitializations);
        }
        if self.iterations_max == 0 {
            return Err(ClusterError::NoIterations);
        }
        if !self.tolerance.is_finite() || self.tolerance < 0.0 {
            return Err(ClusterError::ToleranceOutOfRange {
                tolerance: self.tolerance,
            });
        }
        let given = self.initial_centroids.as_deref();
        Ok(CheckedKMeansParams {
            cluster_count: self.cluster_count,
            initializations: if given.is_some() {
                1
            } else {
                self.initializations
            },
            iterations_max: self.iterations_max,
            shift_max: self.tolerance * points.mean_variance(),
            seed: self.seed,
            initial_centroids: given
                .map(|centroids| self.check_centroids(centroids, points))
                .transpose()?,
        })
    }

    fn check_centroids(
        &self,
        centroids: &[f64],
        points: &Points,
    ) -> Result<Vec<f64>, ClusterError> {
        let (cluster_count, dimension_count) = (self.cluster_count, points.dimension_count());
        let expected = cluster_count * dimension_count;
        if centroids.len() != expected {
            let found = centroids.len();
            return Err(ClusterError::InitialCentroidsShape {
                cluster_count,
                dimension_count,
                expected,
                found,
            });
        }
        if let Some(at) = centroids
            .iter()
            .position(|coordinate| !coordinate.is_finite())
        {
            let (centroid, dimension) = (at / dimension_count, at % dimension_count);
            return Err(ClusterError::InitialCentroidNotFinite {
                centroid,
                dimension,
            });
        }
        Ok(points.to_inner(centroids))
    }
}

fn check_cluster_count(cluster_count: usize, points: &Points) -> Result<(), ClusterError> {
    let cluster_count_max = i32::MAX as usize;
    if !(1..=cluster_count_max).contains(&cluster_count) {
        return Err(ClusterError::ClusterCountOutOfRange {
            cluster_count,
            cluster_count_max,
        });
    }
    let distinct_row_count = points.distinct_count();
    if cluster_count > distinct_row_count {
        let row_count = points.valid_count();
        return Err(ClusterError::ClusterCountExceedsRows {
            cluster_count,
            distinct_row_count,
            row_count,
        });
    }
    Ok(())
}

/// What a caller asks of [`silhouette`](crate::silhouette).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SilhouetteParams {
    /// Score this many rows, drawn without replacement, each exactly and against all rows; `None` scores every row. At
    /// least 2; a sample as large as the labelled rows scores every row.
    pub sample: Option<usize>,
    /// Names the draw of the sample.
    pub seed: u64,
}

impl SilhouetteParams {
    pub(crate) fn check(&self) -> Result<(), ClusterError> {
        match self.sample {
            Some(sample) if sample < 2 => Err(ClusterError::SampleTooSmall { sample }),
            _ => Ok(()),
        }
    }
}

/// What a caller asks of [`select_k`](crate::select_k). Fields not described here mean what they mean in
/// [`KMeansParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct SelectKParams {
    /// The numbers of clusters to compare, in any order; repeated ones count once. At least one.
    pub cluster_counts: Vec<usize>,
    pub initializations: usize,
    pub iterations_max: usize,
    pub tolerance: f64,
    pub seed: u64,
    /// As [`SilhouetteParams::sample`], one draw for all k.
    pub silhouette_sample: Option<usize>,
}

impl Default for SelectKParams {
    /// k from 2 to 10, otherwise as [`KMeansParams::default`], every row scored.
    fn default() -> Self {
        let KMeansParams {
            initializations,
            iterations_max,
            tolerance,
            seed,
            ..
        } = KMeansParams::default();
        Self {
            cluster_counts: (2..=10).collect(),
            initializations,
            iterations_max,
            tolerance,
            seed,
            silhouette_sample: None,
        }
    }
}

impl SelectKParams {
    /// The cluster counts in ascending order, each once, and checked k-means params for the largest.
    pub(crate) fn check(
        &self,
        points: &Points,
    ) -> Result<(Vec<usize>, CheckedKMeansParams), ClusterError> {
        let mut cluster_counts = self.cluster_counts.clone();
        cluster_counts.sort_unstable();
        cluster_counts.dedup();
        for &cluster_count in &cluster_counts {
            check_cluster_count(cluster_count, points)?;
        }
        self.silhouette_params().check()?;
        let cluster_count = *cluster_counts.last().ok_or(ClusterError::NoClusterCounts)?;
        let Self {
            initializations,
            iterations_max,
            tolerance,
            seed,
            ..
        } = *self;
        let largest = KMeansParams {
            cluster_count,
            initializations,
            iterations_max,
            tolerance,
            seed,
            initial_centroids: None,
        };
        Ok((cluster_counts, largest.check(points)?))
    }

    pub(crate) fn silhouette_params(&self) -> SilhouetteParams {
        SilhouetteParams {
            sample: self.silhouette_sample,
            seed: self.seed,
        }
    }
}
