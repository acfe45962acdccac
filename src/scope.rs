//! Labels by scope: which layer and operation the current thread is working for.
//!
//! The memory ledger labels every buffer with the path of scopes open when it was allocated, and errors say it too.
//! Paths are interned, so a label costs four bytes and entering a scope allocates nothing once its path is known.

use std::cell::Cell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{LazyLock, RwLock};

/// Opens a scope named `name` inside the current one; it closes when the guard is dropped.
///
/// ```
/// let _layer = rectify::scope::enter("hidden1");
/// assert_eq!(rectify::scope::path(), "hidden1");
/// ```
#[must_use = "the scope closes when the guard is dropped"]
pub fn enter(name: &str) -> Scope {
    let outer = CURRENT.get();
    CURRENT.set(outer.child(name));
    Scope { outer, not_send: PhantomData }
}

/// Opens the scope of a label recorded earlier, whatever is open now: for work that belongs to it, such as its gradient.
pub fn resume(label: Label) -> Scope {
    let outer = CURRENT.replace(label);
    Scope { outer, not_send: PhantomData }
}

/// The path of the scopes open on this thread, outermost first, separated by `/`; empty outside any.
pub fn path() -> String {
    Label::current().path()
}

/// Closes its scope when dropped. Stays on the thread that opened it.
#[derive(Debug)]
pub struct Scope {
    outer: Label,
    not_send: PhantomData<*const ()>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
    }
}

/// An interned path of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(u32);

impl Label {
    /// The label outside any scope.
    pub const ROOT: Self = Self(0);

    /// The label of the scopes open on this thread.
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// The label of a scope `name` inside this one.
    pub fn child(self, name: &str) -> Self {
        if let Some(&known) = read().children.get(&self).and_then(|names| names.get(name)) {
            return known;
        }
        let mut table = INTERNED.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let path = match table.paths[self.0 as usize].as_str() {
            "" => name.to_owned(),
            outer => format!("{outer}/{name}"),
        };
        let next = Self(table.paths.len() as u32);
        let label = *table.children.entry(self).or_default().entry(name.to_owned()).or_insert(next);
        if label == next {
            table.paths.push(path);
        }
        label
    }

    /// The path, outermost scope first, separated by `/`.
    pub fn path(self) -> String {
        read().paths[self.0 as usize].clone()
    }

    /// A small number that identifies the label within this process.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

thread_local! {
    static CURRENT: Cell<Label> = const { Cell::new(Label::ROOT) };
}

static INTERNED: LazyLock<RwLock<Interned>> =
    LazyLock::new(|| RwLock::new(Interned { paths: vec![String::new()], children: HashMap::new() }));

struct Interned {
    paths: Vec<String>,
    children: HashMap<Label, HashMap<String, Label>>,
}

fn read() -> std::sync::RwLockReadGuard<'static, Interned> {
    INTERNED.read().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_nest_and_close_in_order() {
        let a = enter("a");
        let inside = {
            let _b = enter("b");
            Label::current()
        };
        assert_eq!(inside.path(), "a/b");
        assert_eq!(path(), "a");
        assert_eq!(Label::current().child("b"), inside);
        drop(a);
        assert_eq!(path(), "");
    }
}
