//! Large blocks: best fit, split on taking, merged with free neighbours of the same stream on giving back.

use super::stream::{Clocks, Point, Stream};

/// Index of a block in the arena.
pub(super) type Node = u32;

const NONE: Node = Node::MAX;

/// All large blocks, used and free, each knowing its neighbours in its segment.
#[derive(Debug, Default)]
pub(super) struct Arena {
    blocks: Vec<Block>,
    /// Entries of `blocks` to use again.
    vacant: Vec<Node>,
    /// Free blocks of each stream, smallest first: few enough that a sorted vector beats a tree.
    free: Vec<Vec<Free>>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    segment: u32,
    offset: usize,
    size: usize,
    left: Node,
    right: Node,
    /// When and where it was released; none while in use.
    released: Option<Point>,
}

/// Sorts by size, then the youngest release first: what was touched last is still in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Free {
    size: usize,
    age: u64,
    node: Node,
}

impl Arena {
    /// The smallest free block of `stream` that holds `size`; else one of another stream whose release it has waited
    /// for. What is left over stays free, with its owner.
    pub fn take(&mut self, size: usize, stream: Stream, clocks: &Clocks) -> Option<Node> {
        let node = self.find_own(size, stream).or_else(|| self.find_foreign(size, stream, clocks))?;
        let owner = self.unlist(node)?;
        self.split(node, size, owner);
        Some(node)
    }

    /// Adds a segment and takes `size` bytes at its start; the rest is free and untouched.
    pub fn add_segment(&mut self, segment: u32, segment_size: usize, size: usize, stream: Stream) -> Node {
        let whole = Block { segment, offset: 0, size: segment_size, left: NONE, right: NONE, released: None };
        let node = self.insert(whole);
        self.split(node, size, Point { stream, sequence: 0 });
        node
    }

    /// Releases a block at a point of its stream.
    pub fn give(&mut self, node: Node, at: Point) {
        let Block { left, right, .. } = self.blocks[node as usize];
        if self.is_free_for(right, at.stream) {
            self.unlist(right);
            self.absorb_right(node);
        }
        let mut node = node;
        if self.is_free_for(left, at.stream) {
            self.unlist(left);
            self.absorb_right(left);
            node = left;
        }
        self.list(node, at);
    }

    /// Forgets every block of a segment that goes back to the source.
    pub fn forget_segment(&mut self, segment: u32) {
        let Self { blocks, vacant, free } = self;
        for list in free {
            list.retain(|entry| {
                let keep = blocks[entry.node as usize].segment != segment;
                if !keep {
                    vacant.push(entry.node);
                }
                keep
            });
        }
    }

    /// Where a block lies, as segment and offset, and its size.
    pub fn extent(&self, node: Node) -> (u32, usize, usize) {
        let block = &self.blocks[node as usize];
        (block.segment, block.offset, block.size)
    }

    fn find_own(&self, size: usize, stream: Stream) -> Option<Node> {
        let list = self.free.get(stream.index())?;
        let fit = list.partition_point(|free| free.size < size);
        list.get(fit).map(|free| free.node)
    }

    fn find_foreign(&self, size: usize, stream: Stream, clocks: &Clocks) -> Option<Node> {
        let fits = self.free.iter().flat_map(|list| &list[list.partition_point(|free| free.size < size)..]);
        let released = |node: Node| self.blocks[node as usize].released;
        let mut reachable = fits.filter(|free| released(free.node).is_some_and(|point| clocks.follows(stream, point)));
        reachable.next().map(|free| free.node)
    }

    fn is_free_for(&self, node: Node, stream: Stream) -> bool {
        let block = self.blocks.get(node as usize);
        block.and_then(|block| block.released).is_some_and(|point| point.stream == stream)
    }

    /// Cuts a block to `size`; the rest becomes a free block released at `owner`.
    fn split(&mut self, node: Node, size: usize, owner: Point) {
        let block = self.blocks[node as usize];
        if block.size == size {
            return;
        }
        let rest = Block { offset: block.offset + size, size: block.size - size, left: node, ..block };
        let rest = self.insert(rest);
        self.relink(block.right, |right| right.left = rest);
        self.relink(node, |block| (block.size, block.right) = (size, rest));
        self.list(rest, owner);
    }

    fn absorb_right(&mut self, node: Node) {
        let right = self.blocks[node as usize].right;
        let Block { size, right: beyond, .. } = self.blocks[right as usize];
        self.relink(node, |block| (block.size, block.right) = (block.size + size, beyond));
        self.relink(beyond, |block| block.left = node);
        self.vacant.push(right);
    }

    fn relink(&mut self, node: Node, change: impl FnOnce(&mut Block)) {
        if let Some(block) = self.blocks.get_mut(node as usize) {
            change(block);
        }
    }

    fn insert(&mut self, block: Block) -> Node {
        if let Some(node) = self.vacant.pop() {
            self.blocks[node as usize] = block;
            return node;
        }
        self.blocks.push(block);
        (self.blocks.len() - 1) as Node
    }

    fn list(&mut self, node: Node, at: Point) {
        let block = &mut self.blocks[node as usize];
        block.released = Some(at);
        let entry = Free { size: block.size, age: !at.sequence, node };
        if at.stream.index() >= self.free.len() {
            self.free.resize_with(at.stream.index() + 1, Vec::new);
        }
        let list = &mut self.free[at.stream.index()];
        let position = list.partition_point(|other| *other < entry);
        list.insert(position, entry);
    }

    /// Takes a block off its free list and returns when and where it was released.
    fn unlist(&mut self, node: Node) -> Option<Point> {
        let block = &mut self.blocks[node as usize];
        let at = block.released.take()?;
        let entry = Free { size: block.size, age: !at.sequence, node };
        let list = &mut self.free[at.stream.index()];
        if let Ok(position) = list.binary_search(&entry) {
            list.remove(position);
        }
        Some(at)
    }
}
