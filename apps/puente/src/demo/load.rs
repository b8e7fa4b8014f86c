//! Many conversations at once, and how long they took.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::demo::Demo;
use crate::demo::cast::Person;

/// People who talk at the same time.
const AT_ONCE: usize = 64;

/// Lets everybody open an order, and says how fast that went.
pub(crate) async fn play(demo: &Demo, crowd: &[Person]) -> anyhow::Result<String> {
    demo.screen.part(&format!("{} more people at once", crowd.len()));
    demo.screen.expect(crowd.len() as u64, "orders confirmed");
    let (begin, before) = (Instant::now(), demo.post.count("accepted"));
    let demo = Arc::new(demo.clone());
    stream::iter(crowd.iter().cloned())
        .map(|person| {
            let demo = Arc::clone(&demo);
            async move {
                demo.say(&person, person.opening).await?;
                demo.until_confirmed(&person, 0).await?;
                demo.until_read(&person).await?;
                demo.screen.step();
                anyhow::Ok(())
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
        .context("a conversation of the crowd was not finished")?;
    let seconds = begin.elapsed().as_secs_f64();
    let webhooks = demo.post.count("accepted") - before;
    Ok(format!(
        "  {} orders in {seconds:.1} s: {:.1} orders a second, {:.0} people's webhooks a second; quotas of the providers hold",
        crowd.len(),
        crowd.len() as f64 / seconds,
        webhooks as f64 / seconds,
    ))
}
