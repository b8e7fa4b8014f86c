//! What the fleet has acknowledged: every 2xx with the provider's id of the message.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A message whose webhook got 2xx at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The provider that delivered it.
    pub provider: &'static str,
    /// Whose phone it came from.
    pub phone: String,
    /// The provider's id of the message.
    pub id: String,
}

/// A contract whose sending was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The order's number.
    pub number: String,
    /// The signature request.
    pub request: String,
}

/// Written by the load, read by the judge.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    messages: Vec<Acknowledged>,
    contracts: Vec<Contract>,
    repeated: u64,
    refused: u64,
    unanswered: u64,
}

/// The figures of a run's load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Acknowledged deliveries of messages that had been acknowledged before.
    pub repeated: u64,
    /// Deliveries that were refused, mostly with 503.
    pub refused: u64,
    /// Deliveries without an answer.
    pub unanswered: u64,
    /// Contracts whose sending was answered.
    pub contracts: u64,
}

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the first 2xx of a message.
    pub fn acknowledged(&self, message: Acknowledged) {
        self.book().messages.push(message);
    }

    /// Notes a contract whose sending was answered.
    pub fn sent_to_signature(&self, contract: Contract) {
        self.book().contracts.push(contract);
    }

    /// Every contract so far.
    pub fn contracts(&self) -> Vec<Contract> {
        self.book().contracts.clone()
    }

    /// Notes another 2xx of a message.
    pub fn repeated(&self) {
        self.book().repeated += 1;
    }

    /// Notes any other answer.
    pub fn refused(&self) {
        self.book().refused += 1;
    }

    /// Notes a request that was cut off.
    pub fn unanswered(&self) {
        self.book().unanswered += 1;
    }

    /// The figures so far.
    pub fn counts(&self) -> Counts {
        let book = self.book();
        Counts {
            acknowledged: book.messages.len() as u64,
            repeated: book.repeated,
            refused: book.refused,
            unanswered: book.unanswered,
            contracts: book.contracts.len() as u64,
        }
    }

    /// Everything acknowledged so far.
    pub fn messages(&self) -> Vec<Acknowledged> {
        self.book().messages.clone()
    }

    /// How many messages of each phone were acknowledged.
    pub fn by_phone(&self) -> HashMap<String, usize> {
        let mut phones = HashMap::new();
        for message in &self.book().messages {
            *phones.entry(message.phone.clone()).or_default() += 1;
        }
        phones
    }
}
