use crate::{
    Cancelled, ClusterError,
    lloyd::trial_count,
    poll,
    random::Random,
    tree::{Tree, squared_distance},
};

/// The owner of a node whose points are not all nearest to the same centre.
const MIXED: u32 = u32::MAX;

/// Greedy k-means++ (Arthur and Vassilvitskii 2007, with several trials per centre) on a kd-tree, going on from the
/// `given` centres. Returns `cluster_count` × D coordinates, the given ones first.
///
/// Every node keeps the sum of its points' squared distances to the nearest centre. A new centre changes only nodes near
/// it: nodes that one centre owns are summed from their moments, and whole boxes are skipped or taken over at once.
/// Cost per trial: the boundary of the new centre's cell, not the number of points.
pub(crate) fn seed<const D: usize>(
    tree: &Tree<D>,
    given: &[[f64; D]],
    cluster_count: usize,
    random: &mut Random,
    cancelled: Cancelled,
) -> Result<Vec<f64>, ClusterError> {
    let mut field = Field::new(tree);
    if given.is_empty() {
        field.add(tree.points[field.draw_row(random)]);
    }
    given.iter().for_each(|center| field.add(*center));
    while field.centers.len() < cluster_count {
        poll(cancelled)?;
        let mut best = (f64::NEG_INFINITY, [0.0; D]);
        for _ in 0..trial_count(cluster_count) {
            let candidate = tree.points[field.draw(random)];
            let gain = field.gain(0, MIXED, &candidate);
            if gain > best.0 {
                best = (gain, candidate);
            }
        }
        field.add(best.1);
    }
    Ok(field.centers.concat())
}

/// Squared distances of all points to their nearest centre, kept per node wherever one centre owns it.
struct Field<'a, const D: usize> {
    tree: &'a Tree<'a, D>,
    centers: Vec<[f64; D]>,
    /// The centre nearest to all points of a node, or [`MIXED`]. Out of date below a node with an owner.
    owners: Vec<u32>,
    /// Sum of weighted squared distances of the node's points. Out of date below a node with an owner.
    potentials: Vec<f64>,
    /// An upper bound of the squared distances in a mixed node.
    reaches: Vec<f64>,
    /// Squared distances of the points in mixed leaves.
    squares: Vec<f64>,
}

impl<'a, const D: usize> Field<'a, D> {
    fn new(tree: &'a Tree<'a, D>) -> Self {
        let node_count = tree.nodes.len();
        Self {
            tree,
            centers: Vec::new(),
            owners: vec![MIXED; node_count],
            potentials: vec![0.0; node_count],
            reaches: vec![0.0; node_count],
            squares: vec![0.0; tree.points.len()],
        }
    }

    fn add(&mut self, center: [f64; D]) {
        self.centers.push(center);
        if self.centers.len() == 1 {
            self.set_owner(0, 0);
        } else {
            self.take(0, MIXED);
        }
    }

    fn set_owner(&mut self, at: usize, owner: u32) {
        self.owners[at] = owner;
        self.potentials[at] = self.tree.nodes[at].squares_to(&self.centers[owner as usize]);
    }

    /// The owner of a node, given that of its parent.
    fn owner(&self, at: usize, inherited: u32) -> u32 {
        if inherited == MIXED {
            self.owners[at]
        } else {
            inherited
        }
    }

    /// By how much the sum over all points of a node would fall if `center` were added.
    fn gain(&self, at: usize, inherited: u32, center: &[f64; D]) -> f64 {
        let node = &self.tree.nodes[at];
        let owner = self.owner(at, inherited);
        if owner == MIXED {
            if node.squared_distance_from(center) >= self.reaches[at] {
                return 0.0;
            }
        } else {
            let own = &self.centers[owner as usize];
            if node.is_nearer(own, center) {
                return 0.0;
            }
            if node.is_nearer(center, own) {
                return node.squares_to(own) - node.squares_to(center);
            }
        }
        if let Some((left, right)) = node.children(at) {
            return self.gain(left, owner, center) + self.gain(right, owner, center);
        }
        node.points()
            .map(|point| {
                let square = squared_distance(&self.tree.points[point], center);
                self.tree.weights[point] * (self.square(point, owner) - square).max(0.0)
            })
            .sum()
    }

    /// Gives the newest centre every point of the node that is nearer to it than to the others.
    fn take(&mut self, at: usize, inherited: u32) {
        let newest = self.centers.len() as u32 - 1;
        let center = self.centers[newest as usize];
        let owner = self.owner(at, inherited);
        let node = &self.tree.nodes[at];
        if owner == MIXED {
            if node.squared_distance_from(&center) >= self.reaches[at] {
                return;
            }
        } else {
            let own = self.centers[owner as usize];
            if node.is_nearer(&own, &center) {
                return self.set_owner(at, owner);
            }
            if node.is_nearer(&center, &own) {
                return self.set_owner(at, newest);
            }
        }
        if let Some((left, right)) = node.children(at) {
            self.take(left, owner);
            self.take(right, owner);
            self.owners[at] = MIXED;
            self.potentials[at] = self.potentials[left] + self.potentials[right];
            self.reaches[at] = self.reach(left).max(self.reach(right));
        } else {
            self.take_leaf(at, owner, &center);
        }
    }

    fn take_leaf(&mut self, at: usize, owner: u32, center: &[f64; D]) {
        let (mut potential, mut reach) = (0.0, 0.0f64);
        for point in self.tree.nodes[at].points() {
            let square = self
                .square(point, owner)
                .min(squared_distance(&self.tree.points[point], center));
            self.squares[point] = square;
            potential += self.tree.weights[point] * square;
            reach = reach.max(square);
        }
        self.owners[at] = MIXED;
        self.potentials[at] = potential;
        self.reaches[at] = reach;
    }

    fn reach(&self, at: usize) -> f64 {
        match self.owners[at] {
            MIXED => self.reaches[at],
            owner => self.tree.nodes[at].squared_reach_from(&self.centers[owner as usize]),
        }
    }

    fn square(&self, point: usize, owner: u32) -> f64 {
        match owner {
            MIXED => self.squares[point],
            owner => squared_distance(&self.tree.points[point], &self.centers[owner as usize]),
        }
    }

    /// A point drawn by its number of rows.
    fn draw_row(&self, random: &mut Random) -> usize {
        let weigh = |at: usize, _| self.tree.nodes[at].weight;
        self.descend(
            random.unit() * self.tree.nodes[0].weight,
            weigh,
            |point, _| self.tree.weights[point],
        )
    }

    /// A point drawn by its rows times its squared distance; by rows alone when all distances vanish.
    fn draw(&self, random: &mut Random) -> usize {
        if self.potentials[0] <= 0.0 {
            return self.draw_row(random);
        }
        let weigh = |at: usize, inherited: u32| match inherited {
            MIXED => self.potentials[at],
            owner => self.tree.nodes[at].squares_to(&self.centers[owner as usize]),
        };
        let weigh_point =
            |point: usize, owner: u32| self.tree.weights[point] * self.square(point, owner);
        self.descend(random.unit() * self.potentials[0], weigh, weigh_point)
    }

    /// The point at which the running total of weights passes `target`, found from the root down.
    fn descend(
        &self,
        mut target: f64,
        weigh: impl Fn(usize, u32) -> f64,
        weigh_point: impl Fn(usize, u32) -> f64,
    ) -> usize {
        let mut at = 0;
        let mut owner = self.owners[0];
        while let Some((left, right)) = self.tree.nodes[at].children(at) {
            let weight = weigh(left, owner);
            at = if target < weight { left } else { right };
            if at == right {
                target -= weight;
            }
            owner = self.owner(at, owner);
        }
        // Rounding may leave a remainder beyond the last point: the last one with any weight is as good.
        let mut drawn = self.tree.nodes[at].points().start;
        for point in self.tree.nodes[at].points() {
            let weight = weigh_point(point, owner);
            if weight > 0.0 {
                drawn = point;
                if target < weight {
                    break;
                }
                target -= weight;
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    /// 5,000 rows on a coarse lattice, many of them repeated.
    fn points() -> Points {
        let mut random = Random::new(1, 0);
        let columns: [Vec<f64>; 2] =
            std::array::from_fn(|_| (0..5_000).map(|_| random.below(90) as f64).collect());
        Points::from_columns(&[&columns[0], &columns[1]]).unwrap()
    }

    fn squares(points: &Points, centers: &[[f64; 2]]) -> Vec<f64> {
        let nearest = |point: &[f64; 2]| {
            let squares = centers.iter().map(|center| squared_distance(point, center));
            squares.fold(f64::INFINITY, f64::min)
        };
        points
            .coordinates()
            .as_chunks()
            .0
            .iter()
            .map(nearest)
            .collect()
    }

    fn potential(points: &Points, centers: &[[f64; 2]]) -> f64 {
        let squares = squares(points, centers);
        squares
            .iter()
            .zip(points.weights())
            .map(|(square, weight)| square * weight)
            .sum()
    }

    #[test]
    fn gains_and_potentials_equal_direct_sums() {
        let points = points();
        let tree = Tree::<2>::new(&points);
        let mut field = Field::new(&tree);
        for at in 0..40 {
            let center = tree.points[at * 89];
            if at > 0 {
                let mut centers = field.centers.clone();
                let before = potential(&points, &centers);
                centers.push(center);
                let gain = before - potential(&points, &centers);
                assert!((field.gain(0, MIXED, &center) - gain).abs() < 1e-9 * before);
            }
            field.add(center);
            let direct = potential(&points, &field.centers);
            assert!(
                (field.potentials[0] - direct).abs() < 1e-9 * direct,
                "after {} centres",
                at + 1
            );
        }
    }

    #[test]
    fn points_are_drawn_by_rows_times_squared_distance() {
        let points = points();
        let tree = Tree::<2>::new(&points);
        let mut field = Field::new(&tree);
        (0..5).for_each(|at| field.add(tree.points[at * 700]));
        let squares = squares(&points, &field.centers);
        let total = potential(&points, &field.centers);
        let mut random = Random::new(9, 0);
        let mut drawn = [0.0; 20];
        let mut expected = [0.0; 20];
        let bin = |point: usize| point * 20 / squares.len();
        for point in 0..squares.len() {
            expected[bin(point)] += 100_000.0 * points.weights()[point] * squares[point] / total;
        }
        for _ in 0..100_000 {
            let point = field.draw(&mut random);
            assert!(squares[point] > 0.0);
            drawn[bin(point)] += 1.0;
        }
        let chi_square: f64 = drawn
            .iter()
            .zip(&expected)
            .map(|(o, e): (&f64, &f64)| (o - e).powi(2) / e)
            .sum();
        assert!(
            chi_square < 43.8,
            "{chi_square} exceeds the 0.1 % quantile of 19 degrees of freedom"
        );
    }
}
