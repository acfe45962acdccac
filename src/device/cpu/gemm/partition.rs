//! Dividing a batch of products among threads.

use super::chunk::BLOCK_COLUMNS;

/// The most rows of a part.
const MOST_ROWS: usize = 512;
/// The fewest rows and columns that a part is cut to: whole tiles and cache lines, enough of them to pay for packing.
const FEWEST: [usize; 2] = [16, 32];
/// Multiplications that are worth a task of their own: some ten microseconds.
const WORTH_A_TASK: usize = 1 << 19;
/// Tasks for each thread, so that one that is held up leaves its share to the others.
const TASKS_PER_THREAD: usize = 4;

/// Every C of a batch, cut into parts of equal sizes (those at the edges are smaller), and parts grouped into tasks.
#[derive(Debug, Clone, Copy)]
pub struct Partition {
    products: usize,
    sizes: [usize; 2],
    part: [usize; 2],
    parts_per_task: usize,
}

impl Partition {
    /// Divides `products` products of sizes `[m, k, n]` among `threads` threads.
    pub fn new(products: usize, [m, k, n]: [usize; 3], threads: usize) -> Self {
        let mut part = [m.clamp(1, MOST_ROWS), n.clamp(1, BLOCK_COLUMNS)];
        let cost = |part: [usize; 2]| part[0].saturating_mul(part[1]).saturating_mul(k.max(1));
        let mut this = Self { products, sizes: [m, n], part, parts_per_task: 1 };
        if threads > 1 {
            while this.count() < threads * TASKS_PER_THREAD && cost(part) >= 2 * WORTH_A_TASK {
                // Columns first: each part packs its own columns of B, and mostly reads A in its place.
                let Some(axis) = [1, 0].into_iter().find(|&axis| part[axis] >= 2 * FEWEST[axis]) else { break };
                part[axis] = part[axis].div_ceil(2).next_multiple_of(FEWEST[axis]);
                this.part = part;
            }
        }
        this.parts_per_task = (WORTH_A_TASK / cost(part).max(1)).clamp(1, this.count().max(1));
        this
    }

    /// How many tasks there are.
    pub fn tasks(&self) -> usize {
        self.count().div_ceil(self.parts_per_task)
    }

    /// The parts of a task: the product, the first row and column, and the sizes of each.
    pub fn parts(&self, task: usize) -> impl Iterator<Item = (usize, [usize; 2], [usize; 2])> {
        let first = task * self.parts_per_task;
        (first..self.count().min(first + self.parts_per_task)).map(|part| self.part(part))
    }

    /// How many parts all products have.
    fn count(&self) -> usize {
        let [rows, columns] = self.grid();
        self.products * rows * columns
    }

    /// Parts of one product along its rows and columns.
    fn grid(&self) -> [usize; 2] {
        [self.sizes[0].div_ceil(self.part[0]), self.sizes[1].div_ceil(self.part[1])]
    }

    fn part(&self, index: usize) -> (usize, [usize; 2], [usize; 2]) {
        let [rows, columns] = self.grid();
        let (product, row, column) = (index / (rows * columns), index / columns % rows, index % columns);
        let first = [row * self.part[0], column * self.part[1]];
        let sizes = [0, 1].map(|axis| self.part[axis].min(self.sizes[axis] - first[axis]));
        (product, first, sizes)
    }
}
