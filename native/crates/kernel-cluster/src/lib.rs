//! k-means, silhouette and the choice of the number of clusters.
//!
//! Definitions are scikit-learn's; the methods are chosen for speed and give the same result whatever the thread
//! count or the processor. Rows come in as column slices and are turned once into [`Points`], which every function here
//! reads. Work runs on the current rayon thread pool.
//!
//! Where to start reading: `points.rs` (what every method works on), then `lloyd.rs` (the loop that all methods share).
//!
//! | file | holds |
//! |---|---|
//! | `points` | rows → distinct weighted points in kd-tree order |
//! | `params` | what a caller asks for, and the same after checking |
//! | `lloyd` | the Lloyd loop, totals, empty clusters |
//! | `tree`, `tree_lloyd`, `tree_seeding` | up to three dimensions: kd-tree filtering, pruned k-means++ |
//! | `dense`, `dense_lloyd`, `dense_seeding` | more dimensions: Hamerly bounds, blocked distances |
//! | `kmeans`, `silhouette`, `select_k` | the three public functions |
//! | `distance_sums` | sums of distances from points to clusters, for one labelling or many at once |
//! | `simd`, `random`, `error` | processor dispatch, the generator, failures |

mod dense;
mod dense_lloyd;
mod dense_seeding;
mod distance_sums;
mod error;
mod kmeans;
mod lloyd;
mod params;
mod points;
mod random;
mod select_k;
mod silhouette;
mod simd;
mod standardize;
mod tree;
mod tree_lloyd;
mod tree_seeding;

pub use error::ClusterError;
pub use kmeans::{KMeansFit, kmeans};
pub use params::{CheckedKMeansParams, KMeansParams, SelectKParams, SilhouetteParams};
pub use points::Points;
pub use select_k::{KScore, select_k};
pub use silhouette::{Silhouette, silhouette};
pub use standardize::standardize;

/// Asks whether the caller has given up. Polled at least once per Lloyd iteration, per chosen k-means++ centroid and per
/// few thousand distance sums, from any thread; must be cheap. Once it answers `true` the call ends with
/// [`ClusterError::Cancelled`].
pub type Cancelled<'a> = &'a (dyn Fn() -> bool + Sync);

/// Turns the caller's answer into the error that unwinds a computation.
fn poll(cancelled: Cancelled) -> Result<(), ClusterError> {
    if cancelled() {
        Err(ClusterError::Cancelled)
    } else {
        Ok(())
    }
}
