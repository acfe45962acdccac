//! What captured work is told before each run.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::backend::Backend;
use crate::error::{Error, Result};
use crate::memory::{Buffer, Memory, Stream};
use crate::scope;

/// Words of 64 bits that there is room for in one graph.
const ROOM: usize = 512;

/// What makes the words of one telling, before each run.
pub type Next = Box<dyn FnMut(&mut [u64]) -> Result<()> + Send>;

/// Numbers in device memory that are others in each run of captured work.
#[derive(Debug, Clone)]
pub struct Telling {
    address: u64,
    is_read: Arc<AtomicBool>,
}

/// All that one graph is told.
pub struct Tellings {
    block: Buffer,
    words: Vec<u64>,
    told: Vec<u64>,
    each: Vec<(Range<usize>, Arc<AtomicBool>, Next)>,
}

impl Telling {
    /// Where the numbers are when the work runs. They are not sent there if nobody asks for this.
    pub fn address(&self) -> u64 {
        self.is_read.store(true, Ordering::Relaxed);
        self.address
    }
}

impl Tellings {
    /// None yet. What was told stays from run to run, so it does not lie where other graphs of the stream have what they leave free.
    pub fn new(memory: &Memory) -> Result<Self> {
        let _scope = scope::enter("told");
        let block = memory.allocate(ROOM * size_of::<u64>(), Stream::MAIN)?;
        Ok(Self { block, words: Vec::new(), told: Vec::new(), each: Vec::new() })
    }

    /// Room for so many words, which `next` makes before each run.
    pub fn add(&mut self, words: usize, next: Next) -> Result<Telling> {
        let range = self.words.len()..self.words.len() + words;
        if range.end > ROOM {
            let rule = format!("captured work is told {} numbers before each run, and {ROOM} is the most", range.end);
            return Err(Error::argument("capture", rule));
        }
        self.words.resize(range.end, 0);
        let telling = Telling {
            address: self.block.address() + (range.start * size_of::<u64>()) as u64,
            is_read: Arc::new(AtomicBool::new(false)),
        };
        self.each.push((range, telling.is_read.clone(), next));
        Ok(telling)
    }

    /// Makes the words of the next run, and sends them where the work reads them, if it reads others than last time.
    pub fn tell(&mut self, backend: &dyn Backend) -> Result<()> {
        let Self { words, told, each, block } = self;
        let mut is_news = false;
        for (range, is_read, next) in each {
            next(&mut words[range.clone()])?;
            is_news |= is_read.load(Ordering::Relaxed) && told.get(range.clone()) != Some(&words[range.clone()]);
        }
        if is_news {
            backend.upload(bytemuck::cast_slice(words), block)?;
            told.clone_from(words);
        }
        Ok(())
    }
}

impl fmt::Debug for Tellings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} words told", self.words.len())
    }
}
