//! Dividing a batch of products among threads.

use super::chunk::BLOCK_COLUMNS;

/// The most rows and columns of a part.
const MOST: [usize; 2] = [512, BLOCK_COLUMNS];
/// Parts have a multiple of these rows and columns, so that only those at the edges have tiles that are not full.
const WHOLE: [usize; 2] = [8, 48];
/// Multiplications in the time that it takes to bring an element of a factor, or of C, to where it is used.
const TOUCH: usize = 8;
/// Multiplications that are worth a task of their own: some ten microseconds.
const WORTH_A_TASK: usize = 1 << 19;
/// The most tasks for each thread, so that one that is held up leaves its share to the others.
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
        let fewest = [0, 1].map(|axis| [m, n][axis].div_ceil(MOST[axis]).max(1));
        let cut = |counts| Self { products, sizes: [m, n], part: part([m, n], counts), parts_per_task: 1 };
        let mut this = cut(fewest);
        if threads > 1 && this.cost(k) * this.count() as f64 >= 2.0 * WORTH_A_TASK as f64 {
            let doubled = |from: usize| (0..).map(move |times| from << times);
            let most = (threads * TASKS_PER_THREAD).max(this.count());
            for rows in doubled(fewest[0]).take_while(|&rows| rows <= most) {
                for columns in doubled(fewest[1]).take_while(|&columns| rows * columns <= most) {
                    let other = cut([rows, columns]);
                    if other.cost(k) >= WORTH_A_TASK as f64 && other.time(k, threads) < this.time(k, threads) {
                        this = other;
                    }
                }
            }
        }
        this.parts_per_task = (WORTH_A_TASK / (this.cost(k) as usize).max(1)).clamp(1, this.count().max(1));
        this
    }

    /// What a part costs, in multiplications: its own, and what it takes to bring the elements of all three matrices.
    fn cost(&self, k: usize) -> f64 {
        let [rows, columns, k, touch] = [self.part[0], self.part[1], k, TOUCH].map(|count| count as f64);
        rows * columns * (k + touch) + (rows + columns) * k * touch
    }

    /// How long all parts take `threads` threads, with an allowance for one that is held up in its last.
    fn time(&self, k: usize, threads: usize) -> f64 {
        (self.count().div_ceil(threads) as f64 + 0.1) * self.cost(k)
    }

    /// Whether every part has all columns.
    pub fn has_whole_rows(&self) -> bool {
        self.part[1] >= self.sizes[1]
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

/// The sizes of one of so many parts along each axis.
fn part(sizes: [usize; 2], counts: [usize; 2]) -> [usize; 2] {
    [0, 1].map(|axis| sizes[axis].div_ceil(counts[axis]).next_multiple_of(WHOLE[axis]).min(sizes[axis]).max(1))
}
