//! The parts of a tree that a listing left out.

/// The parts that a listing left out although the mirror may have them.
///
/// Files in these parts are not known to have vanished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListingGaps {
    /// Nothing: the listing is complete.
    #[default]
    Nothing,
    /// These files, or everything below these directories, relative to the listed directory.
    Below(Vec<Vec<u8>>),
    /// Unknown parts.
    Anywhere,
}

/// Largest number of paths that are kept. A mirror with more has a fault of its own, and the list
/// must not grow with it.
pub const UNLISTED_MAX: usize = 1000;

impl ListingGaps {
    /// Adds one path.
    pub fn add(&mut self, path: Vec<u8>) {
        match self {
            ListingGaps::Nothing => *self = ListingGaps::Below(vec![path]),
            ListingGaps::Below(paths) if paths.len() < UNLISTED_MAX => paths.push(path),
            ListingGaps::Below(_) | ListingGaps::Anywhere => *self = ListingGaps::Anywhere,
        }
    }
}

impl ListingGaps {
    /// Adds the parts that another listing left out.
    pub fn join(&mut self, other: ListingGaps) {
        match other {
            ListingGaps::Nothing => {}
            ListingGaps::Below(paths) => paths.into_iter().for_each(|path| self.add(path)),
            ListingGaps::Anywhere => *self = ListingGaps::Anywhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_holes_are_a_hole_anywhere() {
        let mut unlisted = ListingGaps::default();
        for number in 0..UNLISTED_MAX {
            unlisted.add(number.to_string().into_bytes());
        }
        assert!(matches!(&unlisted, ListingGaps::Below(paths) if paths.len() == UNLISTED_MAX));
        unlisted.add(b"one more".to_vec());
        assert_eq!(unlisted, ListingGaps::Anywhere);
        unlisted.add(b"and more".to_vec());
        assert_eq!(unlisted, ListingGaps::Anywhere);
    }
}
