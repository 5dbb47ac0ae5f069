use std::ops::Range;

use crate::{
    Cancelled, ClusterError, Points,
    lloyd::{Assigner, Method, Totals},
    random::Random,
    tree::{Tree, squared_distance},
    tree_seeding,
};

/// The owner of a node whose points have different labels.
const MIXED: u32 = u32::MAX;
/// The owner of every node before the first assignment.
const UNKNOWN: u32 = u32::MAX - 1;

/// k-means on a kd-tree, for few dimensions.
pub(crate) struct TreeMethod<'a, const D: usize> {
    tree: Tree<'a, D>,
}

impl<'a, const D: usize> TreeMethod<'a, D> {
    pub(crate) fn new(points: &'a Points) -> Self {
        Self {
            tree: Tree::new(points),
        }
    }
}

impl<const D: usize> Method for TreeMethod<'_, D> {
    fn seed(
        &self,
        given: &[f64],
        cluster_count: usize,
        random: &mut Random,
        cancelled: Cancelled,
    ) -> Result<Vec<f64>, ClusterError> {
        tree_seeding::seed(
            &self.tree,
            given.as_chunks::<D>().0,
            cluster_count,
            random,
            cancelled,
        )
    }

    fn assigner(&self, cluster_count: usize) -> impl Assigner {
        Filter {
            tree: &self.tree,
            owners: vec![UNKNOWN; self.tree.nodes.len()],
            labels: vec![UNKNOWN; self.tree.points.len()],
            candidates: Vec::with_capacity(cluster_count * 32),
        }
    }
}

/// The filtering algorithm (Kanungo et al. 2002; Pelleg and Moore 1999): a node drops the centroids that cannot be
/// nearest to any place in its box; with one left, its points are assigned together.
struct Filter<'a, const D: usize> {
    tree: &'a Tree<'a, D>,
    /// The common label of a node's points, or [`MIXED`]. Not kept up to date below a node that has a common label.
    owners: Vec<u32>,
    /// Labels of the points in mixed leaves; others follow from `owners`.
    labels: Vec<u32>,
    /// Stack of the candidates of the nodes on the current path.
    candidates: Vec<u32>,
}

impl<const D: usize> Assigner for Filter<'_, D> {
    fn assign(&mut self, centroids: &[f64], totals: &mut Totals) -> bool {
        totals.clear();
        let centroids = centroids.as_chunks::<D>().0;
        self.candidates.clear();
        self.candidates.extend(0..centroids.len() as u32);
        let before = self.owners[0];
        self.visit(0, before, 0..centroids.len(), centroids, totals)
    }

    fn labels(&self) -> Vec<u32> {
        let mut labels = self.labels.clone();
        self.for_each_uniform(0, &mut |node, owner| {
            labels[self.tree.nodes[node].points()].fill(owner)
        });
        labels
    }

    fn inertia(&self, centroids: &[f64]) -> f64 {
        self.inertia_of(0, centroids.as_chunks::<D>().0)
    }
}

impl<const D: usize> Filter<'_, D> {
    /// Assigns the points of a node among `candidates` (a range of the stack). `before` is the label that all its
    /// points had, or [`MIXED`]. Returns whether any label changed.
    fn visit(
        &mut self,
        at: usize,
        before: u32,
        candidates: Range<usize>,
        centroids: &[[f64; D]],
        totals: &mut Totals,
    ) -> bool {
        let kept = self.filter(at, candidates, centroids);
        let node = &self.tree.nodes[at];
        let changed = if kept.len() == 1 {
            let owner = self.candidates[kept.start];
            add(totals, owner as usize, node.weight, &node.mean);
            self.owners[at] = owner;
            owner != before
        } else if let Some((left, right)) = node.children(at) {
            let of_child = |child: usize, owners: &[u32]| {
                if before == MIXED {
                    owners[child]
                } else {
                    before
                }
            };
            let left_before = of_child(left, &self.owners);
            let left_changed = self.visit(left, left_before, kept.clone(), centroids, totals);
            let right_before = of_child(right, &self.owners);
            let right_changed = self.visit(right, right_before, kept.clone(), centroids, totals);
            let owner = self.owners[left];
            self.owners[at] = if owner == self.owners[right] {
                owner
            } else {
                MIXED
            };
            left_changed || right_changed
        } else {
            self.visit_leaf(at, before, kept.clone(), centroids, totals)
        };
        self.candidates.truncate(kept.start);
        changed
    }

    /// Pushes the candidates that may be nearest to some place in the node's box, in ascending order.
    fn filter(
        &mut self,
        at: usize,
        candidates: Range<usize>,
        centroids: &[[f64; D]],
    ) -> Range<usize> {
        let node = &self.tree.nodes[at];
        let start = self.candidates.len();
        let mut nearest = self.candidates[candidates.start];
        let mut least = f64::INFINITY;
        for &candidate in &self.candidates[candidates.clone()] {
            let square = squared_distance(&node.mean, &centroids[candidate as usize]);
            if square < least {
                (nearest, least) = (candidate, square);
            }
        }
        for position in candidates {
            let candidate = self.candidates[position];
            let other = &centroids[candidate as usize];
            if candidate == nearest || !node.is_nearer(&centroids[nearest as usize], other) {
                self.candidates.push(candidate);
            }
        }
        start..self.candidates.len()
    }

    fn visit_leaf(
        &mut self,
        at: usize,
        before: u32,
        candidates: Range<usize>,
        centroids: &[[f64; D]],
        totals: &mut Totals,
    ) -> bool {
        let points = self.tree.nodes[at].points();
        let mut changed = false;
        for point in points.clone() {
            let coordinates = &self.tree.points[point];
            let mut nearest = self.candidates[candidates.start];
            let mut least = f64::INFINITY;
            for &candidate in &self.candidates[candidates.clone()] {
                let square = squared_distance(coordinates, &centroids[candidate as usize]);
                if square < least {
                    (nearest, least) = (candidate, square);
                }
            }
            add(
                totals,
                nearest as usize,
                self.tree.weights[point],
                coordinates,
            );
            changed |= nearest
                != if before == MIXED {
                    self.labels[point]
                } else {
                    before
                };
            self.labels[point] = nearest;
        }
        let labels = &self.labels[points];
        self.owners[at] = if labels.iter().all(|label| *label == labels[0]) {
            labels[0]
        } else {
            MIXED
        };
        changed
    }

    fn for_each_uniform(&self, at: usize, action: &mut impl FnMut(usize, u32)) {
        if self.owners[at] != MIXED {
            action(at, self.owners[at]);
        } else if let Some((left, right)) = self.tree.nodes[at].children(at) {
            self.for_each_uniform(left, action);
            self.for_each_uniform(right, action);
        }
    }

    fn inertia_of(&self, at: usize, centroids: &[[f64; D]]) -> f64 {
        let node = &self.tree.nodes[at];
        if self.owners[at] != MIXED {
            return node.squares_to(&centroids[self.owners[at] as usize]);
        }
        if let Some((left, right)) = node.children(at) {
            return self.inertia_of(left, centroids) + self.inertia_of(right, centroids);
        }
        let square = |point: usize| {
            squared_distance(
                &self.tree.points[point],
                &centroids[self.labels[point] as usize],
            )
        };
        node.points()
            .map(|point| self.tree.weights[point] * square(point))
            .sum()
    }
}

fn add<const D: usize>(totals: &mut Totals, cluster: usize, weight: f64, mean: &[f64; D]) {
    totals.weights[cluster] += weight;
    let sums = &mut totals.sums.as_chunks_mut::<D>().0[cluster];
    for t in 0..D {
        sums[t] += weight * mean[t];
    }
}
