use thiserror::Error;

/// Every way a call into this crate can fail.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ClusterError {
    /// No column was given, so points would have no dimension.
    #[error("no columns to cluster: name at least one numeric column")]
    NoColumns,
    /// Columns differ in length.
    #[error(
        "column {column} has {found} rows, the first column has {expected}: pass columns of equal length"
    )]
    ColumnLengthsDiffer {
        column: usize,
        expected: usize,
        found: usize,
    },
    /// More rows than a 32-bit index can number.
    #[error(
        "{row_count} rows are more than the {row_count_max} that can be clustered at once: sample or partition them"
    )]
    TooManyRows {
        row_count: usize,
        row_count_max: usize,
    },
    /// `cluster_count` is 0, or more than a 32-bit label can hold.
    #[error("cluster count is {cluster_count}: give a number from 1 to {cluster_count_max}")]
    ClusterCountOutOfRange {
        cluster_count: usize,
        cluster_count_max: usize,
    },
    /// Fewer distinct rows than clusters.
    #[error(
        "cluster count {cluster_count} exceeds the {distinct_row_count} distinct rows (of {row_count} with finite \
         coordinates): ask for fewer clusters or add rows"
    )]
    ClusterCountExceedsRows {
        cluster_count: usize,
        distinct_row_count: usize,
        row_count: usize,
    },
    /// `cluster_counts` of a sweep is empty.
    #[error("no cluster counts to compare: give at least one")]
    NoClusterCounts,
    /// `initializations` is 0.
    #[error("initializations is 0: give at least 1")]
    NoInitializations,
    /// `iterations_max` is 0.
    #[error("iterations max is 0: give at least 1")]
    NoIterations,
    /// `tolerance` is negative, infinite or not a number.
    #[error("tolerance is {tolerance}: give a finite number of at least 0")]
    ToleranceOutOfRange { tolerance: f64 },
    /// `initial_centroids` does not hold `cluster_count` × dimensions numbers.
    #[error(
        "initial centroids hold {found} numbers, {cluster_count} centroids of {dimension_count} dimensions need {expected}"
    )]
    InitialCentroidsShape {
        cluster_count: usize,
        dimension_count: usize,
        expected: usize,
        found: usize,
    },
    /// A number in `initial_centroids` is infinite or not a number.
    #[error(
        "initial centroid {centroid} is not finite in dimension {dimension}: give finite coordinates"
    )]
    InitialCentroidNotFinite { centroid: usize, dimension: usize },
    /// `labels` does not hold one label per row.
    #[error("{found} labels for {expected} rows: pass one label per row, negative for none")]
    LabelCountDiffers { expected: usize, found: usize },
    /// A silhouette of fewer than two clusters is not defined.
    #[error("{cluster_count} clusters among the labelled rows: a silhouette needs at least 2")]
    SilhouetteNeedsTwoClusters { cluster_count: usize },
    /// `sample` is 0 or 1, too few for a standard error.
    #[error("sample is {sample}: give at least 2 rows, or none to use every row")]
    SampleTooSmall { sample: usize },
    /// The caller's [`Cancelled`](crate::Cancelled) answered `true`.
    #[error("cancelled")]
    Cancelled,
}

impl ClusterError {
    /// The stable kebab-case name of the cause, for callers that pass errors on as data.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoColumns => "no-columns",
            Self::ColumnLengthsDiffer { .. } => "column-lengths-differ",
            Self::TooManyRows { .. } => "too-many-rows",
            Self::ClusterCountOutOfRange { .. } => "cluster-count-out-of-range",
            Self::ClusterCountExceedsRows { .. } => "cluster-count-exceeds-rows",
            Self::NoClusterCounts => "no-cluster-counts",
            Self::NoInitializations => "no-initializations",
            Self::NoIterations => "no-iterations",
            Self::ToleranceOutOfRange { .. } => "tolerance-out-of-range",
            Self::InitialCentroidsShape { .. } => "initial-centroids-shape",
            Self::InitialCentroidNotFinite { .. } => "initial-centroid-not-finite",
            Self::LabelCountDiffers { .. } => "label-count-differs",
            Self::SilhouetteNeedsTwoClusters { .. } => "silhouette-needs-two-clusters",
            Self::SampleTooSmall { .. } => "sample-too-small",
            Self::Cancelled => "cancelled",
        }
    }
}
