use std::ops::Range;

use crate::ClusterError;

/// Marks a row that takes no part because a coordinate is not finite.
pub(crate) const ABSENT: u32 = u32::MAX;

/// A kd-tree leaf holds at most this many distinct points: small enough to prune well, large enough to amortize a visit.
const LEAF_POINTS: usize = 16;
/// Below this many rows a subtree is built on the thread that is already there.
const PARALLEL_ROWS: usize = 16_384;
/// Splitting values are medians of this many rows until the tree is suspiciously deep, then exact medians.
const MEDIAN_SAMPLE: usize = 33;
const SAMPLED_DEPTH_MAX: usize = 48;

/// The rows to cluster, prepared once for all methods: equal rows are merged into one weighted point, and points are
/// stored in the order of a kd-tree, so that neighbours in memory are neighbours in space.
///
/// Coordinates are kept centred on the mean and scaled by a power of two into about [-2, 2], which rounds no more than
/// scikit-learn's own centring and keeps squares of huge coordinates finite. Differences below about 1e-160 of the
/// largest coordinate vanish when squared.
///
/// Memory: 8 (d + 1) bytes per distinct row, 4 per row and about 3 per row for the tree; twice that while building.
#[derive(Debug)]
pub struct Points {
    dimension_count: usize,
    valid_count: usize,
    scale: f64,
    mean: Vec<f64>,
    mean_variance: f64,
    point_of_row: Vec<u32>,
    coordinates: Vec<f64>,
    weights: Vec<f64>,
    branches: Vec<Branch>,
}

/// A kd-tree node over the points `start..end`. Nodes are in preorder: the left child follows its parent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Distance in nodes from this node to its right child; 0 for a leaf.
    pub(crate) right_offset: u32,
}

impl Branch {
    pub(crate) fn points(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Points {
    /// Takes d columns of n coordinates each, in any one unit. Rows with a coordinate that is infinite or not a number
    /// are left out and get no label; n may be 0. Cost O(n log n) on all threads.
    ///
    /// # Errors
    /// `no-columns`, `column-lengths-differ`, `too-many-rows`.
    pub fn from_columns(columns: &[&[f64]]) -> Result<Self, ClusterError> {
        let row_count = columns.first().ok_or(ClusterError::NoColumns)?.len();
        if let Some(column) = columns.iter().position(|values| values.len() != row_count) {
            let found = columns[column].len();
            return Err(ClusterError::ColumnLengthsDiffer {
                column,
                expected: row_count,
                found,
            });
        }
        let row_count_max = (u32::MAX - 1) as usize;
        if row_count > row_count_max {
            return Err(ClusterError::TooManyRows {
                row_count,
                row_count_max,
            });
        }
        let dimension_count = columns.len();
        let (mut rows, mut coordinates) = finite_rows(columns, row_count);
        let scale = scale_for(&coordinates);
        let (mean, mean_variance) = center(&mut coordinates, dimension_count, scale);
        let raw = split(&mut coordinates, &mut rows, dimension_count);
        let mut merge = Merge {
            raw: &raw,
            raw_coordinates: &coordinates,
            raw_rows: &rows,
            dimension_count,
            coordinates: Vec::with_capacity(coordinates.len()),
            weights: Vec::with_capacity(rows.len()),
            point_of_row: vec![ABSENT; row_count],
            branches: Vec::with_capacity(raw.len()),
        };
        if !rows.is_empty() {
            merge.node(0);
        }
        let Merge {
            coordinates,
            weights,
            point_of_row,
            branches,
            ..
        } = merge;
        let valid_count = rows.len();
        Ok(Self {
            dimension_count,
            valid_count,
            scale,
            mean,
            mean_variance,
            point_of_row,
            coordinates,
            weights,
            branches,
        })
    }

    /// Rows passed in, left-out ones included.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.point_of_row.len()
    }

    /// Rows whose coordinates are all finite.
    #[must_use]
    pub fn valid_count(&self) -> usize {
        self.valid_count
    }

    /// Different rows among the valid ones: the largest possible cluster count.
    #[must_use]
    pub fn distinct_count(&self) -> usize {
        self.weights.len()
    }

    /// Columns passed in.
    #[must_use]
    pub fn dimension_count(&self) -> usize {
        self.dimension_count
    }

    /// Mean of the columns' variances, in inner units.
    pub(crate) fn mean_variance(&self) -> f64 {
        self.mean_variance
    }

    /// Distinct points × d, row-major, in inner units and tree order.
    pub(crate) fn coordinates(&self) -> &[f64] {
        &self.coordinates
    }

    pub(crate) fn point(&self, point: usize) -> &[f64] {
        &self.coordinates[point * self.dimension_count..][..self.dimension_count]
    }

    /// Rows per distinct point.
    pub(crate) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The kd-tree in preorder; empty when there are no points.
    pub(crate) fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The distinct point of every input row, or [`ABSENT`].
    pub(crate) fn point_of_row(&self) -> &[u32] {
        &self.point_of_row
    }

    /// Row-major coordinates from the caller's units to inner units.
    pub(crate) fn to_inner(&self, outer: &[f64]) -> Vec<f64> {
        outer
            .iter()
            .enumerate()
            .map(|(at, x)| x * self.scale - self.mean[at % self.dimension_count])
            .collect()
    }

    /// Row-major coordinates from inner units to the caller's units.
    pub(crate) fn to_outer(&self, inner: &[f64]) -> Vec<f64> {
        inner
            .iter()
            .enumerate()
            .map(|(at, x)| (x + self.mean[at % self.dimension_count]) / self.scale)
            .collect()
    }

    /// A squared length from inner units to the caller's units; infinite where it does not fit a float64.
    pub(crate) fn square_to_outer(&self, square: f64) -> f64 {
        square / self.scale / self.scale
    }
}

/// Indices and row-major coordinates of the rows without a null or infinity.
fn finite_rows(columns: &[&[f64]], row_count: usize) -> (Vec<u32>, Vec<f64>) {
    let mut rows = Vec::with_capacity(row_count);
    let mut coordinates = Vec::with_capacity(row_count * columns.len());
    for row in 0..row_count {
        if columns.iter().all(|column| column[row].is_finite()) {
            rows.push(row as u32);
            coordinates.extend(columns.iter().map(|column| column[row]));
        }
    }
    (rows, coordinates)
}

/// The power of two that brings the largest coordinate into [1/2, 1], so that scaling rounds nothing. Clamped where
/// the power itself would leave float64.
fn scale_for(coordinates: &[f64]) -> f64 {
    let largest = coordinates
        .iter()
        .fold(0.0f64, |largest, x| largest.max(x.abs()));
    if largest == 0.0 {
        return 1.0;
    }
    let exponent = largest.log2().ceil().clamp(-1000.0, 1000.0);
    0.5f64.powi(exponent as i32)
}

/// Scales and centres row-major coordinates; returns the mean of every column, scaled, and the mean of their variances.
fn center(coordinates: &mut [f64], dimension_count: usize, scale: f64) -> (Vec<f64>, f64) {
    let row_count = (coordinates.len() / dimension_count).max(1) as f64;
    coordinates.iter_mut().for_each(|x| *x *= scale);
    let mean: Vec<f64> = column_sums(coordinates, dimension_count, |x| x)
        .iter()
        .map(|sum| sum / row_count)
        .collect();
    for row in coordinates.chunks_exact_mut(dimension_count) {
        row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
    }
    let squares = column_sums(coordinates, dimension_count, |x| x * x);
    (
        mean,
        squares.iter().sum::<f64>() / row_count / dimension_count as f64,
    )
}

/// Sums of every column, added up in blocks: the error grows with the block, not with the number of rows.
fn column_sums(coordinates: &[f64], dimension_count: usize, term: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut totals = vec![0.0; dimension_count];
    for block in coordinates.chunks(4096 * dimension_count) {
        let mut sums = vec![0.0; dimension_count];
        for row in block.chunks_exact(dimension_count) {
            sums.iter_mut()
                .zip(row)
                .for_each(|(sum, x)| *sum += term(*x));
        }
        totals
            .iter_mut()
            .zip(sums)
            .for_each(|(total, sum)| *total += sum);
    }
    totals
}

/// Rows being ordered: coordinates, row-major, and input row numbers. `D` is the number of dimensions where it is
/// known when compiling, which makes rows cheap to move, and 0 where it is not.
struct Rows<'a, const D: usize> {
    dimension_count: usize,
    coordinates: &'a mut [f64],
    numbers: &'a mut [u32],
}

impl<'a, const D: usize> Rows<'a, D> {
    #[inline(always)]
    fn dimension_count(&self) -> usize {
        if D == 0 { self.dimension_count } else { D }
    }

    #[inline(always)]
    fn row(&self, at: usize) -> &[f64] {
        let dimension_count = self.dimension_count();
        &self.coordinates[at * dimension_count..][..dimension_count]
    }

    /// Swaps two rows, `low` at most `high`.
    #[inline(always)]
    fn swap(&mut self, low: usize, high: usize) {
        let dimension_count = self.dimension_count();
        self.numbers.swap(low, high);
        let rows = &mut self.coordinates[low * dimension_count..(high + 1) * dimension_count];
        let other = rows.len() - dimension_count;
        (0..dimension_count).for_each(|t| rows.swap(t, other + t));
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let dimension_count = self.dimension_count();
        let (left, right) = self.coordinates.split_at_mut(middle * dimension_count);
        let (left_numbers, right_numbers) = self.numbers.split_at_mut(middle);
        (
            Self {
                dimension_count,
                coordinates: left,
                numbers: left_numbers,
            },
            Self {
                dimension_count,
                coordinates: right,
                numbers: right_numbers,
            },
        )
    }

    /// Orders the rows as a kd-tree and appends its nodes. `start` is the position of the first row among all. Equal
    /// rows always end in the same leaf, because which side a row goes to depends on its coordinates alone.
    fn split_into(mut self, nodes: &mut Vec<Branch>, start: usize, depth: usize) {
        let at = nodes.len();
        let row_count = self.numbers.len();
        nodes.push(Branch {
            start: start as u32,
            end: (start + row_count) as u32,
            right_offset: 0,
        });
        if row_count <= LEAF_POINTS {
            return;
        }
        let (dimension, low, high) = self.widest_dimension();
        if low == high {
            return;
        }
        let pivot = self.pivot(dimension, depth);
        // With the pivot at the minimum nothing is below it, so the rows at the minimum themselves go left.
        let middle = if pivot == low {
            self.partition(|row| row[dimension] <= low)
        } else {
            self.partition(|row| row[dimension] < pivot)
        };
        let (left, right) = self.split_at(middle);
        if middle.min(row_count - middle) >= PARALLEL_ROWS {
            let (mut left_nodes, mut right_nodes) = (Vec::new(), Vec::new());
            rayon::join(
                || left.split_into(&mut left_nodes, start, depth + 1),
                || right.split_into(&mut right_nodes, start + middle, depth + 1),
            );
            nodes.extend(left_nodes);
            nodes[at].right_offset = (nodes.len() - at) as u32;
            nodes.extend(right_nodes);
        } else {
            left.split_into(nodes, start, depth + 1);
            nodes[at].right_offset = (nodes.len() - at) as u32;
            right.split_into(nodes, start + middle, depth + 1);
        }
    }

    /// The dimension in which rows spread most, with their least and greatest coordinate in it.
    fn widest_dimension(&self) -> (usize, f64, f64) {
        let spread = |dimension: usize| {
            let values = self.coordinates[dimension..]
                .iter()
                .step_by(self.dimension_count());
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| {
                (
                    if x < low { x } else { low },
                    if x > high { x } else { high },
                )
            })
        };
        (0..self.dimension_count())
            .map(|dimension| (dimension, spread(dimension)))
            .fold((0, 0.0, 0.0), |widest, (dimension, (low, high))| {
                if high - low > widest.2 - widest.1 {
                    (dimension, low, high)
                } else {
                    widest
                }
            })
    }

    fn pivot(&self, dimension: usize, depth: usize) -> f64 {
        let stride = if depth < SAMPLED_DEPTH_MAX {
            self.numbers.len().div_ceil(MEDIAN_SAMPLE)
        } else {
            1
        };
        let values = self.coordinates[dimension..]
            .iter()
            .step_by(stride * self.dimension_count());
        let mut sample: Vec<f64> = values.copied().collect();
        let middle = sample.len() / 2;
        *sample.select_nth_unstable_by(middle, f64::total_cmp).1
    }

    /// Moves the rows that go left before the others and returns how many there are. Rows are swapped whether they need
    /// it or not: which way they go cannot be predicted, and a wrong guess costs more than a swap.
    fn partition(&mut self, goes_left: impl Fn(&[f64]) -> bool) -> usize {
        let mut left_count = 0;
        for at in 0..self.numbers.len() {
            let left = goes_left(self.row(at));
            self.swap(left_count, at);
            left_count += usize::from(left);
        }
        left_count
    }
}

/// Orders rows as a kd-tree and returns its nodes over them.
fn split(coordinates: &mut [f64], numbers: &mut [u32], dimension_count: usize) -> Vec<Branch> {
    let mut nodes = Vec::new();
    match dimension_count {
        1 => Rows::<1> {
            dimension_count,
            coordinates,
            numbers,
        }
        .split_into(&mut nodes, 0, 0),
        2 => Rows::<2> {
            dimension_count,
            coordinates,
            numbers,
        }
        .split_into(&mut nodes, 0, 0),
        3 => Rows::<3> {
            dimension_count,
            coordinates,
            numbers,
        }
        .split_into(&mut nodes, 0, 0),
        _ => Rows::<0> {
            dimension_count,
            coordinates,
            numbers,
        }
        .split_into(&mut nodes, 0, 0),
    }
    nodes
}

/// Copies a tree over rows into a tree over distinct points.
struct Merge<'a> {
    raw: &'a [Branch],
    raw_coordinates: &'a [f64],
    raw_rows: &'a [u32],
    dimension_count: usize,
    coordinates: Vec<f64>,
    weights: Vec<f64>,
    point_of_row: Vec<u32>,
    branches: Vec<Branch>,
}

impl Merge<'_> {
    fn node(&mut self, raw: usize) {
        let at = self.branches.len();
        let start = self.weights.len();
        let Branch { right_offset, .. } = self.raw[raw];
        self.branches.push(Branch {
            start: start as u32,
            end: 0,
            right_offset: 0,
        });
        if right_offset == 0 {
            self.leaf(self.raw[raw].points());
        } else {
            self.node(raw + 1);
            let right = self.branches.len();
            self.node(raw + right_offset as usize);
            if self.weights.len() - start <= LEAF_POINTS {
                self.branches.truncate(at + 1);
            } else {
                self.branches[at].right_offset = (right - at) as u32;
            }
        }
        self.branches[at].end = self.weights.len() as u32;
    }

    fn leaf(&mut self, rows: Range<usize>) {
        let dimension_count = self.dimension_count;
        let first = self.weights.len();
        for raw in rows {
            let row = &self.raw_coordinates[raw * dimension_count..][..dimension_count];
            let known = self.coordinates[first * dimension_count..]
                .chunks_exact(dimension_count)
                .position(|point| point == row);
            let point = first + known.unwrap_or(self.weights.len() - first);
            if known.is_some() {
                self.weights[point] += 1.0;
            } else {
                self.coordinates.extend_from_slice(row);
                self.weights.push(1.0);
            }
            self.point_of_row[self.raw_rows[raw] as usize] = point as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn lattice(row_count: usize) -> [Vec<f64>; 2] {
        let mut random = Random::new(3, 0);
        std::array::from_fn(|_| (0..row_count).map(|_| random.below(40) as f64).collect())
    }

    #[test]
    fn equal_rows_become_one_weighted_point() {
        let [x, y] = lattice(20_000);
        let points = Points::from_columns(&[&x, &y]).unwrap();
        let mut distinct: Vec<(u64, u64)> = x
            .iter()
            .zip(&y)
            .map(|(x, y)| (x.to_bits(), y.to_bits()))
            .collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(points.distinct_count(), distinct.len());
        assert_eq!(points.weights().iter().sum::<f64>(), 20_000.0);
        for (row, &point) in points.point_of_row().iter().enumerate() {
            let outer = points.to_outer(points.point(point as usize));
            assert!((outer[0] - x[row]).abs() < 1e-12 && (outer[1] - y[row]).abs() < 1e-12);
        }
    }

    #[test]
    fn tree_nodes_split_their_points_between_two_children() {
        let [x, y] = lattice(20_000);
        let points = Points::from_columns(&[&x, &y]).unwrap();
        let branches = points.branches();
        assert_eq!(branches[0].points(), 0..points.distinct_count());
        for (at, branch) in branches.iter().enumerate() {
            if branch.right_offset == 0 {
                assert!(branch.points().len() <= LEAF_POINTS);
            } else {
                let right = branches[at + branch.right_offset as usize];
                assert_eq!(branches[at + 1].points().end, right.points().start);
                assert_eq!(
                    (branch.start, branch.end),
                    (branches[at + 1].start, right.end)
                );
            }
        }
    }

    #[test]
    fn rows_with_a_null_or_an_infinity_are_left_out() {
        let points =
            Points::from_columns(&[&[1.0, f64::NAN, 3.0, 4.0], &[0.0, 0.0, f64::INFINITY, -0.0]])
                .unwrap();
        assert_eq!(
            (
                points.row_count(),
                points.valid_count(),
                points.distinct_count()
            ),
            (4, 2, 2)
        );
        assert_eq!(points.point_of_row()[1..3], [ABSENT, ABSENT]);
    }

    #[test]
    fn zero_and_negative_zero_are_one_coordinate() {
        let (x, y) = ([0.0, -0.0, 1.0, -1.0, -0.0], [2.0, 2.0, 3.0, 3.0, 2.0]);
        let points = Points::from_columns(&[&x, &y]).unwrap();
        assert_eq!(points.distinct_count(), 3);
        let of_rows = points.point_of_row();
        assert_eq!([of_rows[1], of_rows[4]], [of_rows[0]; 2]);
    }

    #[test]
    fn rows_of_which_most_share_the_least_coordinate_are_split_behind_it() {
        let x: Vec<f64> = (0..200).map(|row| f64::from((row - 150).max(0))).collect();
        let y: Vec<f64> = (0..200).map(|row| f64::from(row % 40)).collect();
        let points = Points::from_columns(&[&x, &y]).unwrap();
        let root = points.branches()[0];
        let right = points.branches()[root.right_offset as usize];
        assert_eq!(right.points(), 40..89);
        let at_least = (0..89).filter(|&point| points.to_outer(points.point(point))[0] == 0.0);
        assert_eq!(at_least.collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn rows_that_defeat_sampled_medians_still_build_a_shallow_tree() {
        let x: Vec<f64> = (0..30_000)
            .map(|row| {
                if row % 700 == 0 {
                    f64::from(row)
                } else {
                    1e-9 * f64::from(row)
                }
            })
            .collect();
        let points = Points::from_columns(&[&x]).unwrap();
        assert_eq!(points.distinct_count(), 30_000);
    }
}
