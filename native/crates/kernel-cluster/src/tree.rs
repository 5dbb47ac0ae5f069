use std::ops::Range;

use crate::Points;

/// A kd-tree over the distinct points with what filtering needs per node. Preorder; the root is node 0.
pub(crate) struct Tree<'a, const D: usize> {
    pub(crate) points: &'a [[f64; D]],
    pub(crate) weights: &'a [f64],
    pub(crate) nodes: Vec<Node<D>>,
}

/// The points `start..end`: their bounding box and their first two moments.
#[derive(Clone)]
pub(crate) struct Node<const D: usize> {
    pub(crate) low: [f64; D],
    pub(crate) high: [f64; D],
    pub(crate) mean: [f64; D],
    /// Rows in the node.
    pub(crate) weight: f64,
    /// Sum of weighted squared distances to the mean.
    pub(crate) scatter: f64,
    start: u32,
    end: u32,
    right_offset: u32,
}

impl<'a, const D: usize> Tree<'a, D> {
    /// Computes the nodes from the leaves up. `points` has `D` dimensions and at least one point.
    pub(crate) fn new(points: &'a Points) -> Self {
        let branches = points.branches();
        let coordinates = points.coordinates().as_chunks::<D>().0;
        let mut nodes: Vec<Node<D>> = branches
            .iter()
            .map(|branch| Node {
                low: [f64::INFINITY; D],
                high: [f64::NEG_INFINITY; D],
                mean: [0.0; D],
                weight: 0.0,
                scatter: 0.0,
                start: branch.start,
                end: branch.end,
                right_offset: branch.right_offset,
            })
            .collect();
        for at in (0..nodes.len()).rev() {
            match nodes[at].children(at) {
                Some((left, right)) => {
                    let (left, right) = (nodes[left].clone(), nodes[right].clone());
                    nodes[at].absorb(&left);
                    nodes[at].absorb(&right);
                }
                None => nodes[at].describe(coordinates, points.weights()),
            }
        }
        Self {
            points: coordinates,
            weights: points.weights(),
            nodes,
        }
    }
}

impl<const D: usize> Node<D> {
    pub(crate) fn points(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The children of this node, which is node `at`; `None` for a leaf.
    pub(crate) fn children(&self, at: usize) -> Option<(usize, usize)> {
        (self.right_offset > 0).then(|| (at + 1, at + self.right_offset as usize))
    }

    /// Sum of weighted squared distances of the node's points to `center`, without looking at the points.
    pub(crate) fn squares_to(&self, center: &[f64; D]) -> f64 {
        self.scatter + self.weight * squared_distance(&self.mean, center)
    }

    /// Whether every point of the box is strictly nearer to `near` than to `far`, by a margin that covers rounding
    /// (Kanungo et al. 2002: only the corner farthest in the direction of `far` has to be looked at).
    pub(crate) fn is_nearer(&self, near: &[f64; D], far: &[f64; D]) -> bool {
        let (mut to_near, mut to_far) = (0.0, 0.0);
        for t in 0..D {
            let corner = if far[t] > near[t] {
                self.high[t]
            } else {
                self.low[t]
            };
            to_near += (corner - near[t]) * (corner - near[t]);
            to_far += (corner - far[t]) * (corner - far[t]);
        }
        to_near * (1.0 + 1e-12) < to_far
    }

    /// Least squared distance from `center` to the box.
    pub(crate) fn squared_distance_from(&self, center: &[f64; D]) -> f64 {
        (0..D).fold(0.0, |sum, t| {
            let outside = (self.low[t] - center[t])
                .max(center[t] - self.high[t])
                .max(0.0);
            sum + outside * outside
        })
    }

    /// Greatest squared distance from `center` to the box.
    pub(crate) fn squared_reach_from(&self, center: &[f64; D]) -> f64 {
        (0..D).fold(0.0, |sum, t| {
            let reach = (center[t] - self.low[t])
                .abs()
                .max((self.high[t] - center[t]).abs());
            sum + reach * reach
        })
    }

    fn describe(&mut self, points: &[[f64; D]], weights: &[f64]) {
        for at in self.points() {
            self.weight += weights[at];
            for (t, x) in points[at].iter().enumerate() {
                self.low[t] = self.low[t].min(*x);
                self.high[t] = self.high[t].max(*x);
                self.mean[t] += weights[at] * x;
            }
        }
        self.mean = self.mean.map(|sum| sum / self.weight);
        self.scatter = self
            .points()
            .map(|at| weights[at] * squared_distance(&points[at], &self.mean))
            .sum();
    }

    /// Adds a child's points (Chan, Golub and LeVeque 1979 for the moments).
    fn absorb(&mut self, child: &Self) {
        let weight = self.weight + child.weight;
        let share = child.weight / weight;
        self.scatter +=
            child.scatter + self.weight * share * squared_distance(&self.mean, &child.mean);
        for t in 0..D {
            self.low[t] = self.low[t].min(child.low[t]);
            self.high[t] = self.high[t].max(child.high[t]);
            self.mean[t] += share * (child.mean[t] - self.mean[t]);
        }
        self.weight = weight;
    }
}

/// Sum of squared differences in the order of the dimensions.
pub(crate) fn squared_distance<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    (0..D).fold(0.0, |sum, t| sum + (a[t] - b[t]) * (a[t] - b[t]))
}
