use crate::{Cancelled, ClusterError, Points, params::CheckedKMeansParams, poll, random::Random};

/// A way to find the nearest centroid of every distinct point, with whatever it remembers from call to call.
///
/// All implementations agree: distances are sums of squared differences in the order of the dimensions, and of
/// equally near centroids the first one wins.
pub(crate) trait Assigner {
    /// Gives every point its nearest centroid (k × d, row-major), fills `totals`, and says whether any label changed
    /// since the previous call; the first call always says so.
    fn assign(&mut self, centroids: &[f64], totals: &mut Totals) -> bool;

    /// The label of every distinct point after the latest [`assign`](Self::assign).
    fn labels(&self) -> Vec<u32>;

    /// Sum of weighted squared distances to the labelled centroids, after assigning to the same `centroids`.
    fn inertia(&self, centroids: &[f64]) -> f64;
}

/// How centroids are drawn and points assigned, chosen once by the number of dimensions.
pub(crate) trait Method: Sync {
    /// Initial centroids, `cluster_count` × d, row-major: the `given` ones (fewer than that, perhaps none), and then
    /// others drawn by greedy k-means++ (Arthur and Vassilvitskii 2007) with [`trial_count`] candidates each.
    fn seed(
        &self,
        given: &[f64],
        cluster_count: usize,
        random: &mut Random,
        cancelled: Cancelled,
    ) -> Result<Vec<f64>, ClusterError>;

    fn assigner(&self, cluster_count: usize) -> impl Assigner;
}

/// Candidates per k-means++ centroid: twice scikit-learn's 2 + ⌊ln k⌋, as they cost little beside the iterations.
pub(crate) fn trial_count(cluster_count: usize) -> usize {
    2 * (2 + (cluster_count as f64).ln() as usize)
}

/// What one assignment adds up per cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Totals {
    /// Rows per cluster.
    pub(crate) weights: Vec<f64>,
    /// Sums of coordinates, k × d, row-major.
    pub(crate) sums: Vec<f64>,
}

impl Totals {
    pub(crate) fn new(cluster_count: usize, dimension_count: usize) -> Self {
        Self {
            weights: vec![0.0; cluster_count],
            sums: vec![0.0; cluster_count * dimension_count],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.weights.fill(0.0);
        self.sums.fill(0.0);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.weights
            .iter_mut()
            .zip(&other.weights)
            .for_each(|(total, x)| *total += x);
        self.sums
            .iter_mut()
            .zip(&other.sums)
            .for_each(|(total, x)| *total += x);
    }
}

/// The end of one start.
#[derive(Debug, Clone)]
pub(crate) struct Converged {
    /// k × d, row-major, in inner units.
    pub(crate) centroids: Vec<f64>,
    pub(crate) inertia: f64,
    pub(crate) iterations: u32,
}

/// Lloyd's iteration from `centroids` (k × d, row-major) until no label changes, the squared shift of all centroids
/// together is at most `shift_max`, or the iterations are used up: scikit-learn's rule.
pub(crate) fn lloyd(
    points: &Points,
    assigner: &mut impl Assigner,
    mut centroids: Vec<f64>,
    params: &CheckedKMeansParams,
    cancelled: Cancelled,
) -> Result<Converged, ClusterError> {
    let dimension_count = points.dimension_count();
    let mut totals = Totals::new(centroids.len() / dimension_count, dimension_count);
    let mut iterations = 0;
    while iterations < params.iterations_max {
        poll(cancelled)?;
        iterations += 1;
        let changed = assigner.assign(&centroids, &mut totals);
        if totals.weights.contains(&0.0) {
            fill_empty_clusters(points, &assigner.labels(), &centroids, &mut totals);
        }
        let moved = means(&totals, dimension_count);
        let shift: f64 = moved
            .iter()
            .zip(&centroids)
            .map(|(new, old)| (new - old) * (new - old))
            .sum();
        centroids = moved;
        if !changed || shift <= params.shift_max {
            break;
        }
    }
    assigner.assign(&centroids, &mut totals);
    Ok(Converged {
        inertia: assigner.inertia(&centroids),
        centroids,
        iterations: iterations as u32,
    })
}

/// Gives every empty cluster one row, the farthest from its centroid first, and takes it from the cluster it was in.
/// Of a point that stands for several rows, each row counts on its own.
fn fill_empty_clusters(points: &Points, labels: &[u32], centroids: &[f64], totals: &mut Totals) {
    let dimension_count = points.dimension_count();
    let mut farthest: Vec<(f64, usize)> = (0..labels.len())
        .map(|point| {
            let centroid =
                &centroids[labels[point] as usize * dimension_count..][..dimension_count];
            (squared_distance(points.point(point), centroid), point)
        })
        .collect();
    farthest.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut rows = farthest
        .into_iter()
        .flat_map(|(_, point)| std::iter::repeat_n(point, points.weights()[point] as usize));
    for empty in 0..totals.weights.len() {
        if totals.weights[empty] > 0.0 {
            continue;
        }
        let Some(point) = rows.next() else { return };
        let from = labels[point] as usize;
        totals.weights[from] -= 1.0;
        totals.weights[empty] = 1.0;
        for (dimension, x) in points.point(point).iter().enumerate() {
            totals.sums[from * dimension_count + dimension] -= x;
            totals.sums[empty * dimension_count + dimension] = *x;
        }
    }
}

/// Centroids from totals. A cluster that gave away its last row sits on the centroid of the largest cluster until it
/// gets points again.
fn means(totals: &Totals, dimension_count: usize) -> Vec<f64> {
    let largest = (0..totals.weights.len()).fold(0, |largest, cluster| {
        if totals.weights[cluster] > totals.weights[largest] {
            cluster
        } else {
            largest
        }
    });
    let mean_of = |cluster: usize| {
        let weight = totals.weights[cluster];
        totals.sums[cluster * dimension_count..][..dimension_count]
            .iter()
            .map(move |sum| sum / weight)
    };
    (0..totals.weights.len())
        .flat_map(|cluster| {
            mean_of(if totals.weights[cluster] > 0.0 {
                cluster
            } else {
                largest
            })
        })
        .collect()
}

/// Sum of squared differences in the order of the dimensions.
pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dense_lloyd::DenseMethod, tree_lloyd::TreeMethod};

    fn points(dimension_count: usize) -> Points {
        let mut random = Random::new(5, 0);
        let column = |_| (0..3_000).map(|_| random.unit() * random.unit()).collect();
        let columns: Vec<Vec<f64>> = (0..dimension_count).map(column).collect();
        Points::from_columns(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
    }

    /// The first nearest centroid of every point, found by looking at all of them.
    fn nearest(points: &Points, centroids: &[f64]) -> Vec<u32> {
        let label = |point: usize| {
            let squares = centroids
                .chunks(points.dimension_count())
                .map(|centroid| squared_distance(points.point(point), centroid));
            let first = squares
                .enumerate()
                .reduce(|a, b| if b.1 < a.1 { b } else { a });
            first.unwrap().0 as u32
        };
        (0..points.distinct_count()).map(label).collect()
    }

    /// Moves centroids about, now and then not at all or back to where they were, and compares every assignment.
    fn follow(points: &Points, method: &impl Method) {
        let mut random = Random::new(6, 0);
        let cluster_count = 7;
        let mut assigner = method.assigner(cluster_count);
        let mut totals = Totals::new(cluster_count, points.dimension_count());
        let home: Vec<f64> = (0..cluster_count)
            .flat_map(|at| points.point(at * 400))
            .copied()
            .collect();
        let mut centroids = home.clone();
        let mut labels = Vec::new();
        for round in 0..200 {
            match round % 10 {
                3 => {}
                7 => centroids.clone_from(&home),
                _ => {
                    let step = [0.3, 0.03, 1e-3, 1e-5][random.below(4)];
                    centroids
                        .iter_mut()
                        .for_each(|x| *x += step * (random.unit() - 0.5));
                }
            }
            let expected = nearest(points, &centroids);
            let changed = assigner.assign(&centroids, &mut totals);
            assert_eq!(changed, expected != labels, "round {round}");
            assert_eq!(assigner.labels(), expected, "round {round}");
            let mut weights = vec![0.0; cluster_count];
            expected
                .iter()
                .zip(points.weights())
                .for_each(|(label, weight)| weights[*label as usize] += weight);
            assert_eq!(totals.weights, weights, "round {round}");
            let inertia: f64 = (0..expected.len())
                .map(|point| {
                    let start = expected[point] as usize * points.dimension_count();
                    let centroid = &centroids[start..start + points.dimension_count()];
                    points.weights()[point] * squared_distance(points.point(point), centroid)
                })
                .sum();
            assert!(
                (assigner.inertia(&centroids) - inertia).abs() <= 1e-12 * inertia,
                "round {round}"
            );
            labels = expected;
        }
    }

    #[test]
    fn assignments_and_changes_are_those_of_looking_at_everything() {
        follow(&points(1), &TreeMethod::<1>::new(&points(1)));
        follow(&points(2), &TreeMethod::<2>::new(&points(2)));
        follow(&points(3), &TreeMethod::<3>::new(&points(3)));
        follow(&points(2), &DenseMethod::new(&points(2)));
        follow(&points(6), &DenseMethod::new(&points(6)));
    }

    /// What a node remembers from before its points had one common label must not count as their label.
    #[test]
    fn labels_that_come_back_after_another_assignment_have_changed() {
        let x: Vec<f64> = (0..64).map(f64::from).collect();
        let points = Points::from_columns(&[&x]).unwrap();
        let apart = points.to_inner(&[10.0, 50.0]);
        let all_to_the_first = points.to_inner(&[31.5, 1e6]);
        let check = |mut assigner: Box<dyn Assigner>| {
            let mut totals = Totals::new(2, 1);
            let changes = [&apart, &all_to_the_first, &apart, &apart]
                .map(|centroids| assigner.assign(centroids, &mut totals));
            assert_eq!(changes, [true, true, true, false]);
        };
        let (tree, dense) = (TreeMethod::<1>::new(&points), DenseMethod::new(&points));
        check(Box::new(tree.assigner(2)));
        check(Box::new(dense.assigner(2)));
    }

    /// Says that no label changed from its third call on, while the totals never settle.
    struct Restless {
        calls: usize,
    }

    impl Assigner for Restless {
        fn assign(&mut self, _: &[f64], totals: &mut Totals) -> bool {
            self.calls += 1;
            totals.weights.fill(1.0);
            totals.sums.fill(self.calls as f64);
            self.calls < 3
        }

        fn labels(&self) -> Vec<u32> {
            vec![0; 2]
        }

        fn inertia(&self, _: &[f64]) -> f64 {
            self.calls as f64
        }
    }

    #[test]
    fn iterations_end_when_no_label_changes_however_far_centroids_move() {
        let points = Points::from_columns(&[&[0.0, 1.0]]).unwrap();
        let params = crate::KMeansParams {
            cluster_count: 1,
            tolerance: 0.0,
            ..crate::KMeansParams::default()
        };
        let checked = params.check(&points).unwrap();
        let mut assigner = Restless { calls: 0 };
        let end = lloyd(&points, &mut assigner, vec![0.0], &checked, &|| false).unwrap();
        assert_eq!((end.iterations, end.centroids), (3, vec![3.0]));
        assert_eq!(end.inertia, 4.0);
    }

    #[test]
    fn of_equally_near_centroids_the_first_wins() {
        let x: Vec<f64> = (0..101).map(f64::from).collect();
        let points = Points::from_columns(&[&x, &x]).unwrap();
        let centroids = points.to_inner(&[60.0, 60.0, 40.0, 40.0, 60.0, 60.0]);
        let expected = nearest(&points, &centroids);
        let check = |method: &dyn Fn(&[f64]) -> Vec<u32>| assert_eq!(method(&centroids), expected);
        check(&|centroids| {
            crate::kmeans::labels_for(&TreeMethod::<2>::new(&points), &points, centroids)
        });
        check(&|centroids| {
            crate::kmeans::labels_for(&DenseMethod::new(&points), &points, centroids)
        });
    }
}
