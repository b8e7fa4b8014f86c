//! What is killed and when, from the seed alone.
//!
//! An instant is given as progress and milliseconds: so many acknowledged webhooks after the last blow, and then so
//! long. Machines differ in speed; "after the seventh webhook" means the same on all of them.

use std::fmt;

use crate::dice::Dice;

/// The sequence of throws that the schedule is made of.
const STREAM: u64 = 0;
/// Replicas of orders, of notifications, and of signature.
pub const REPLICAS: u8 = 2;

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The one that receives webhooks.
    Ingress,
    /// A replica of orders.
    Orders(u8),
    /// A replica of notifications.
    Notifications(u8),
    /// A replica of signature.
    Signature(u8),
    /// The one that reads plates.
    Ocr,
    /// The one that keeps tasks.
    Sync,
    /// The one that people and programs come in by.
    Gateway,
    /// nats-server.
    Broker,
    /// PostgreSQL.
    Database,
}

impl Target {
    /// Every process of the run.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Ingress,
            Self::Ocr,
            Self::Sync,
            Self::Gateway,
            Self::Broker,
            Self::Database,
        ];
        for replica in 0..REPLICAS {
            all.push(Self::Orders(replica));
            all.push(Self::Notifications(replica));
            all.push(Self::Signature(replica));
        }
        all
    }

    /// The service, if it is one.
    #[must_use]
    pub const fn service(self) -> Option<&'static str> {
        match self {
            Self::Ingress => Some("ingress"),
            Self::Orders(_) => Some("orders"),
            Self::Notifications(_) => Some("notifications"),
            Self::Signature(_) => Some("signature"),
            Self::Ocr => Some("ocr"),
            Self::Sync => Some("sync"),
            Self::Gateway => Some("gateway"),
            Self::Broker | Self::Database => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingress => f.write_str("ingress"),
            Self::Orders(n) => write!(f, "orders/{n}"),
            Self::Notifications(n) => write!(f, "notifications/{n}"),
            Self::Signature(n) => write!(f, "signature/{n}"),
            Self::Ocr => f.write_str("ocr"),
            Self::Sync => f.write_str("sync"),
            Self::Gateway => f.write_str("gateway"),
            Self::Broker => f.write_str("nats-server"),
            Self::Database => f.write_str("postgres"),
        }
    }
}

/// One blow: one process, or two at the same moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blow {
    /// Acknowledged webhooks since the last blow.
    pub after: u64,
    /// And then so long.
    pub wait_ms: u64,
    /// Who gets SIGKILL.
    pub targets: Vec<Target>,
    /// How long they stay away.
    pub down_ms: u64,
    /// Whether the broker's store is deleted meanwhile.
    pub lose_store: bool,
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.targets.iter().map(ToString::to_string).collect();
        write!(
            f,
            "after {:>2} webhooks and {:>3} ms: kill -9 {:<28} back in {:>4} ms",
            self.after,
            self.wait_ms,
            names.join(" and "),
            self.down_ms
        )?;
        if self.lose_store {
            f.write_str(", with its store deleted; then `puente reconcile`")?;
        }
        Ok(())
    }
}

/// All blows of a run.
#[must_use]
pub fn schedule(seed: u64, kills: usize) -> Vec<Blow> {
    let mut dice = Dice::of(seed, STREAM);
    let all = Target::all();
    // In the middle third: with something before it to be lost, and something after it to show that life goes on.
    let third = (kills / 3) as u64;
    let loss_at = third + dice.below(third.max(1));
    let mut blows = Vec::new();
    let (mut done, mut lost) = (0, false);
    while done < kills {
        let pick = |dice: &mut Dice| all[dice.below(all.len() as u64) as usize];
        let mut targets = vec![pick(&mut dice)];
        let second = pick(&mut dice);
        if dice.chance(15) && done + 1 < kills && !targets.contains(&second) {
            targets.push(second);
        }
        let mut blow = Blow {
            after: 1 + dice.below(10),
            wait_ms: dice.below(150),
            targets,
            down_ms: if dice.chance(50) {
                0
            } else {
                100 + dice.below(1_900)
            },
            lose_store: false,
        };
        if !lost && done as u64 >= loss_at {
            lost = true;
            blow.targets[0] = Target::Broker;
            blow.targets.dedup();
            blow.lose_store = true;
        }
        done += blow.targets.len();
        blows.push(blow);
    }
    blows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_schedule_every_time_and_another_seed_another_one() {
        assert_eq!(schedule(7, 50), schedule(7, 50));
        assert_ne!(schedule(7, 50), schedule(8, 50));
    }

    #[test]
    fn there_are_as_many_kills_as_asked_for_and_the_store_is_deleted_once() {
        for seed in 0..200 {
            for kills in [1, 2, 3, 20, 61] {
                let blows = schedule(seed, kills);
                let total: usize = blows.iter().map(|blow| blow.targets.len()).sum();
                assert_eq!(total, kills, "seed {seed}");
                let losses: Vec<_> = blows.iter().filter(|blow| blow.lose_store).collect();
                assert_eq!(losses.len(), 1, "seed {seed}, {kills} kills");
                assert!(losses[0].targets.contains(&Target::Broker));
            }
        }
    }

    #[test]
    fn every_process_has_its_turn() {
        let blows = schedule(1, 400);
        for target in Target::all() {
            let hits = blows.iter().filter(|blow| blow.targets.contains(&target)).count();
            assert!(hits > 10, "{target}: {hits}");
        }
    }
}
