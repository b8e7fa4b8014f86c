//! How long and how much: the full run, a quick one, and one that only shows that the bench works.

use std::time::Duration;

use clap::ValueEnum;

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Webhooks answered per second, against three others.
    Accept,
    /// The part of `accept` that the hot path is worked on with; not in the document.
    Hot,
    /// From the webhook to the call of the provider.
    E2e,
    /// What the whole fleet takes.
    Memory,
    /// Deliveries replayed per second.
    Replay,
    /// Events from the outbox to the broker.
    Relay,
    /// Events from the broker to the tables.
    Consume,
    /// What a full table costs.
    Stored,
}

impl Part {
    /// All, in the order of the document. What is measured idle comes first, before the disk has much to do.
    pub(crate) const ALL: [Self; 7] = [
        Self::E2e,
        Self::Memory,
        Self::Accept,
        Self::Relay,
        Self::Consume,
        Self::Replay,
        Self::Stored,
    ];

    /// What it is called on the terminal.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Accept => "accepted webhooks per second",
            Self::Hot => "accepted webhooks per second, many connections only",
            Self::E2e => "from the webhook to the provider",
            Self::Memory => "memory",
            Self::Replay => "replay",
            Self::Relay => "from the outbox to the broker",
            Self::Consume => "from the broker to the tables",
            Self::Stored => "cost with many stored deliveries",
        }
    }
}

/// The sizes of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Rounds in which compared things take turns.
    pub(crate) rounds: usize,
    /// One measurement of a round.
    pub(crate) cell: Duration,
    /// Not counted before each measurement.
    pub(crate) warm_up: Duration,
    /// The long accept run.
    pub(crate) sustained: Duration,
    /// The bare handler before it, and again after it. What else a machine does comes and goes by the half minute.
    pub(crate) beside: Duration,
    /// Journeys from a webhook to a provider call.
    pub(crate) journeys: usize,
    /// How long the fleet is loaded while its memory is watched.
    pub(crate) loaded: Duration,
    /// Events put through the relay.
    pub(crate) events: usize,
    /// How long a consumer is watched.
    pub(crate) consuming: Duration,
    /// Deliveries replayed.
    pub(crate) replayed: usize,
    /// Few and many stored deliveries.
    pub(crate) stored: (usize, usize),
}

impl Plan {
    /// About nine minutes.
    pub(crate) fn full() -> Self {
        Self {
            rounds: 3,
            cell: Duration::from_secs(3),
            warm_up: Duration::from_millis(700),
            sustained: Duration::from_secs(60),
            beside: Duration::from_secs(20),
            journeys: 300,
            loaded: Duration::from_secs(15),
            events: 300_000,
            consuming: Duration::from_secs(8),
            replayed: 100_000,
            stored: (10_000, 1_000_000),
        }
    }

    /// About a minute.
    pub(crate) fn quick() -> Self {
        Self {
            rounds: 1,
            cell: Duration::from_millis(1500),
            warm_up: Duration::from_millis(300),
            sustained: Duration::from_secs(6),
            beside: Duration::from_millis(1500),
            journeys: 20,
            loaded: Duration::from_secs(3),
            events: 80_000,
            consuming: Duration::from_secs(3),
            replayed: 10_000,
            stored: (1_000, 50_000),
        }
    }

    /// A few seconds.
    pub(crate) fn smoke() -> Self {
        Self {
            rounds: 1,
            cell: Duration::from_millis(150),
            // The first requests count, so that a slow machine has a figure for everything, too.
            warm_up: Duration::ZERO,
            sustained: Duration::from_millis(400),
            beside: Duration::from_millis(150),
            journeys: 2,
            loaded: Duration::from_millis(300),
            events: 500,
            consuming: Duration::from_millis(500),
            replayed: 50,
            stored: (100, 1_000),
        }
    }
}
