//! Numbered events, and whether what was heard and what was said to be lost add up to all of them.

/// What a listener got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Number(u64),
    Lost(u64),
}

/// Follows numbers from `from` on, each of which must be heard or be told as lost, in order.
#[derive(Debug, Default)]
pub struct Account {
    next: u64,
    pub lost: u64,
}

impl Account {
    pub fn from(first: u64) -> Self {
        Self {
            next: first,
            lost: 0,
        }
    }

    /// Takes what was heard; says up to where all is accounted for.
    pub fn take(&mut self, heard: Heard) -> u64 {
        match heard {
            Heard::Number(number) => {
                assert_eq!(number, self.next, "heard out of order, or lost untold");
                self.next += 1;
            }
            Heard::Lost(count) => {
                assert!(count > 0, "nothing is no loss");
                self.next += count;
                self.lost += count;
            }
        }
        self.next
    }
}
