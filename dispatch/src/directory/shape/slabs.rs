//! Edges of rings by height, so that a place meets few of them.

use super::edge::{Edge, Meeting};
use crate::directory::cells::{CELL_BITS, Spot};

/// Copies of edges for each edge, at most so many on the average.
const COPIES: u64 = 4;

/// See the file's head.
pub(super) struct Slabs {
    /// Height of a slab as a power of two, and the lowest slab.
    bits: u32,
    first: u32,
    /// Where each slab's edges begin; one more at the end.
    starts: Vec<u32>,
    edges: Vec<Edge>,
}

impl Slabs {
    pub(super) fn new(rings: Vec<Edge>) -> Self {
        // Level edges meet no ray; a place on one lies on its neighbours' ends or is found here.
        let south = rings.iter().map(Edge::south).min().unwrap_or(0);
        let north = rings.iter().map(Edge::north).max().unwrap_or(0);
        let copies = |bits: u32| -> u64 {
            let of = |edge: &Edge| u64::from((edge.north() >> bits) - (edge.south() >> bits) + 1);
            rings.iter().map(of).sum()
        };
        let most = rings.len() as u64 * COPIES;
        let slabs = |bits: u32| u64::from((north >> bits) - (south >> bits)) + 1;
        let mut bits = CELL_BITS;
        while bits > 0 && copies(bits - 1) <= most && slabs(bits - 1) <= most {
            bits -= 1;
        }
        let first = south >> bits;
        let mut starts = vec![0u32; slabs(bits) as usize + 1];
        let range = |edge: &Edge| {
            let slab = |y: u32| ((y >> bits) - first) as usize;
            slab(edge.south())..slab(edge.north()) + 1
        };
        for edge in &rings {
            let counts = starts.get_mut(1..).and_then(|all| all.get_mut(range(edge)));
            counts.unwrap_or_default().iter_mut().for_each(|n| *n += 1);
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let nothing = Spot { x: 0, y: 0 };
        let mut edges = vec![Edge::new(nothing, nothing); total as usize];
        let mut next = starts.clone();
        for edge in &rings {
            for slot in next.get_mut(range(edge)).unwrap_or_default() {
                if let Some(place) = edges.get_mut(*slot as usize) {
                    *place = *edge;
                }
                *slot += 1;
            }
        }
        Self {
            bits,
            first,
            starts,
            edges,
        }
    }

    /// True where a place lies in a ring, or on one.
    pub(super) fn hold(&self, at: Spot) -> bool {
        let Some(slab) = (at.y >> self.bits).checked_sub(self.first) else {
            return false;
        };
        let start = |slab: usize| self.starts.get(slab).map(|start| *start as usize);
        let (Some(from), Some(to)) = (start(slab as usize), start(slab as usize + 1)) else {
            return false;
        };
        let mut inside = false;
        for edge in self.edges.get(from..to).unwrap_or_default() {
            match edge.meets(at) {
                Meeting::On => return true,
                Meeting::Crosses => inside = !inside,
                Meeting::Misses => {}
            }
        }
        inside
    }
}
