//! Lists are answered in parts of a bounded size.

/// Entries in one part when nobody says how many.
const USUAL: u32 = 50;
/// Entries in one part at most, so that an answer stays within a message.
const MOST: u32 = 100;

/// A part of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// In the order of the list.
    pub entries: Vec<T>,
    /// Whether others follow.
    pub more: bool,
}

impl<T> Page<T> {
    /// How many entries to read for a part of the `asked` size; 0 is the usual size. One more than is shown, which
    /// tells whether others follow.
    #[must_use]
    pub const fn to_read(asked: u32) -> u32 {
        size(asked) + 1
    }

    /// The part of what was read.
    #[must_use]
    pub fn cut(mut read: Vec<T>, asked: u32) -> Self {
        let size = size(asked) as usize;
        let more = read.len() > size;
        read.truncate(size);
        Self { entries: read, more }
    }

    /// The last entry, if others follow it.
    #[must_use]
    pub fn last_of_many(&self) -> Option<&T> {
        self.entries.last().filter(|_| self.more)
    }
}

const fn size(asked: u32) -> u32 {
    match asked {
        0 => USUAL,
        asked if asked > MOST => MOST,
        asked => asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_size_asked_for_within_bounds_and_says_whether_others_follow() {
        for (asked, size) in [(0, 50), (1, 1), (100, 100), (101, 100), (u32::MAX, 100)] {
            let read: Vec<u32> = (0..Page::<u32>::to_read(asked)).collect();
            let part = Page::cut(read.clone(), asked);
            assert_eq!((part.entries.len(), part.more), (size, true), "{asked}");
            let last = Page::cut(read[..size].to_vec(), asked);
            assert_eq!((last.entries.len(), last.last_of_many()), (size, None), "{asked}");
        }
    }
}
