//! The breaker's life, on a clock that stands still.

use tokio::time::advance;

use super::*;

fn breaker() -> Arc<Breaker> {
    Arc::new(Breaker::new(Thresholds::default()))
}

fn fail(breaker: &Arc<Breaker>, times: usize) {
    for _ in 0..times {
        breaker.permit().expect("it lets calls through").failure();
    }
}

fn succeed(breaker: &Arc<Breaker>, times: usize) {
    for _ in 0..times {
        breaker.permit().expect("it lets calls through").success();
    }
}

async fn seconds(count: u64) {
    advance(Duration::from_secs(count)).await;
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_it() {
    let breaker = breaker();
    fail(&breaker, 4);
    succeed(&breaker, 1);
    fail(&breaker, 4);
    assert_eq!((breaker.state(), breaker.ready()), (State::Closed, Ok(())));
    assert_eq!(breaker.permit().unwrap().failure(), Some(State::Open));
    assert_eq!(
        (breaker.state(), breaker.ready()),
        (State::Open, Err(Duration::from_secs(10)))
    );
    assert!(breaker.permit().is_none());
}

#[tokio::test(start_paused = true)]
async fn it_tells_for_how_long_it_has_stood_so() {
    let breaker = breaker();
    assert_eq!(
        breaker.standing(),
        (State::Closed, None),
        "it never did anything else"
    );
    fail(&breaker, 5);
    seconds(3).await;
    let after = |count| Some(Duration::from_secs(count));
    assert_eq!(breaker.standing(), (State::Open, after(3)));
    seconds(9).await;
    assert_eq!(
        breaker.standing(),
        (State::HalfOpen, after(2)),
        "since the pause was over"
    );
    let probe = breaker.permit().unwrap();
    seconds(1).await;
    assert_eq!(
        breaker.standing(),
        (State::HalfOpen, after(3)),
        "also while it probes"
    );
    probe.success();
    seconds(4).await;
    assert_eq!(breaker.standing(), (State::Closed, after(4)));
}

#[tokio::test(start_paused = true)]
async fn more_than_half_of_the_last_twenty_open_it() {
    let breaker = breaker();
    for _ in 0..5 {
        fail(&breaker, 2);
        succeed(&breaker, 2);
    }
    assert_eq!(
        breaker.state(),
        State::Closed,
        "ten of twenty are not more than half"
    );
    fail(&breaker, 2);
    assert_eq!(
        breaker.state(),
        State::Closed,
        "the two oldest failures have left the window"
    );
    fail(&breaker, 1);
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_few_calls_are_no_statistics() {
    let breaker = breaker();
    fail(&breaker, 4);
    succeed(&breaker, 1);
    fail(&breaker, 4);
    succeed(&breaker, 1);
    assert_eq!(
        breaker.state(),
        State::Closed,
        "eight of ten failed, and ten are too few"
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_pause_exactly_one_probe_goes_out_and_its_success_closes() {
    let breaker = breaker();
    fail(&breaker, 5);
    seconds(9).await;
    assert_eq!(breaker.ready(), Err(Duration::from_secs(1)));
    seconds(1).await;
    assert_eq!((breaker.state(), breaker.ready()), (State::HalfOpen, Ok(())));
    let probe = breaker.permit().expect("the probe");
    assert!(breaker.permit().is_none(), "one probe at a time");
    assert!(breaker.ready().is_err());
    assert_eq!(probe.success(), Some(State::Closed));
    assert_eq!((breaker.state(), breaker.ready()), (State::Closed, Ok(())));
    fail(&breaker, 4);
    assert_eq!(breaker.state(), State::Closed, "it starts counting anew");
}

#[tokio::test(start_paused = true)]
async fn failed_probes_double_the_pause_up_to_two_minutes() {
    let breaker = breaker();
    fail(&breaker, 5);
    for pause in [10, 20, 40, 80, 120, 120] {
        assert_eq!(breaker.ready(), Err(Duration::from_secs(pause)));
        seconds(pause).await;
        assert_eq!(breaker.permit().expect("the probe").failure(), Some(State::Open));
    }
    seconds(120).await;
    succeed(&breaker, 1);
    fail(&breaker, 5);
    assert_eq!(
        breaker.ready(),
        Err(Duration::from_secs(10)),
        "a success makes the pause short again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_was_given_up_can_be_made_again() {
    let breaker = breaker();
    fail(&breaker, 5);
    seconds(10).await;
    drop(breaker.permit().expect("the probe"));
    assert_eq!((breaker.state(), breaker.ready()), (State::HalfOpen, Ok(())));
    assert_eq!(
        breaker.permit().expect("another probe").success(),
        Some(State::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn calls_from_before_a_change_no_longer_count() {
    let breaker = breaker();
    let late: Vec<Permit> = (0..6).map(|_| breaker.permit().expect("closed")).collect();
    fail(&breaker, 5);
    for permit in late.into_iter().take(3) {
        assert_eq!(permit.success(), None, "an old success does not close it");
    }
    assert_eq!(breaker.state(), State::Open);
    seconds(10).await;
    let probe = breaker.permit().expect("the probe");
    assert_eq!(probe.success(), Some(State::Closed));
}

#[tokio::test(start_paused = true)]
async fn the_number_of_breakers_is_bounded_and_open_ones_stay() {
    let breakers = Breakers::new(Thresholds {
        capacity: 10,
        ..Thresholds::default()
    });
    let id = |n: usize| format!("c{n}").parse::<ConnectionId>().expect("an id");
    fail(&breakers.get("jelou", &id(0)), 5);
    for n in 1..100 {
        breakers.get("jelou", &id(n));
        assert!(breakers.standings().len() <= 10);
    }
    assert_eq!(breakers.get("jelou", &id(0)).state(), State::Open);
    assert!(breakers.any_open("jelou") && !breakers.any_open("wuzapi"));
    let held: Vec<_> = (100..130).map(|n| breakers.get("jelou", &id(n))).collect();
    assert!(breakers.standings().len() <= 10, "also when all are in use");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn providers_and_connections_have_breakers_of_their_own() {
    let breakers = Breakers::new(Thresholds::default());
    let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
    fail(&breakers.get("jelou", &a), 5);
    assert_eq!(breakers.get("jelou", &a).state(), State::Open);
    assert_eq!(breakers.get("jelou", &b).state(), State::Closed);
    assert_eq!(breakers.get("wuzapi", &a).state(), State::Closed);
}
