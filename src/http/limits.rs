//! How often a token may call, and how long a request may take.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::app::App;
use super::problem::{Kind, Problem};
use super::settings::Settings;

type Limiter = RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Tokens remembered before those at rest are forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// Requests after which is looked how many are remembered.
const LOOKED_EVERY: u64 = 256;

/// The rate limit of every token. Tokens are kept as keyed hashes.
pub struct RateLimit {
    limiter: Option<Limiter>,
    hasher: RandomState,
    per_second: u32,
    burst: u32,
    taken: AtomicU64,
    clock: DefaultClock,
}

/// What a token has left.
pub struct Allowance {
    burst: u32,
    remaining: u32,
    /// Seconds until the whole burst is there again.
    reset: u64,
    /// Seconds until one more request is allowed, where this one is not.
    wait: Option<u64>,
    limited: bool,
}

impl RateLimit {
    /// The limit that the settings ask for; none where they say 0.
    pub fn new(settings: &Settings) -> RateLimit {
        let burst = settings.rate_burst.max(1);
        let limiter = NonZeroU32::new(settings.rate_per_second).map(|rate| {
            let quota = Quota::per_second(rate).allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
            RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>()
        });
        RateLimit {
            limiter,
            hasher: RandomState::new(),
            per_second: settings.rate_per_second,
            burst,
            taken: AtomicU64::new(0),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request of a token that is known to be good.
    pub fn take(&self, token: &str) -> Allowance {
        let Some(limiter) = &self.limiter else {
            return Allowance { burst: 0, remaining: 0, reset: 0, wait: None, limited: false };
        };
        let checked = limiter.check_key(&self.hasher.hash_one(token));
        let is_looked = self.taken.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOKED_EVERY);
        if is_looked && limiter.len() > REMEMBERED_MAX {
            limiter.retain_recent();
        }
        let (remaining, wait) = match checked {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(until) => (0, Some(seconds_up(until.wait_time_from(self.clock.now())))),
        };
        let reset = u64::from(self.burst - remaining.min(self.burst)).div_ceil(u64::from(self.per_second.max(1)));
        Allowance { burst: self.burst, remaining, reset, wait, limited: true }
    }
}

fn seconds_up(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl Allowance {
    /// The refusal, where the request is one too many.
    pub fn refusal(&self) -> Option<Problem> {
        let wait = self.wait?;
        let detail = format!("this token has made too many requests; try again in {wait} s");
        Some(Problem::new(Kind::RateLimited, detail).retry_after(wait))
    }

    /// Writes what is left into the answer's headers.
    pub fn mark(&self, headers: &mut HeaderMap) {
        if self.limited {
            headers.insert(LIMIT, HeaderValue::from(self.burst));
            headers.insert(REMAINING, HeaderValue::from(self.remaining));
            headers.insert(RESET, HeaderValue::from(self.reset));
        }
    }
}

/// Answers 503 where an answer takes longer than the settings allow. A read that goes on on this very thread is heard out.
pub async fn in_time(app: &App, answer: impl Future<Output = Response>) -> Response {
    let millis = app.settings().timeout_ms;
    match tokio::time::timeout(Duration::from_millis(millis), answer).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("no answer within {millis} ms; a write may have been done all the same");
            Problem::new(Kind::TimedOut, detail).retry_after(1).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_stopped_when_its_burst_is_spent_and_others_are_not() {
        let settings = Settings { rate_per_second: 1, rate_burst: 3, ..crate::http::tests::settings() };
        let rate = RateLimit::new(&settings);
        let left: Vec<u32> = (0..3).map(|_| rate.take("a").remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let spent = rate.take("a");
        assert_eq!(spent.refusal().map(|problem| problem.kind()), Some(Kind::RateLimited));
        let mut headers = HeaderMap::new();
        spent.mark(&mut headers);
        assert_eq!(
            (&headers[LIMIT], &headers[REMAINING], &headers[RESET]),
            (&HeaderValue::from(3), &HeaderValue::from(0), &HeaderValue::from(3))
        );
        assert!(rate.take("b").refusal().is_none());
    }

    #[test]
    fn no_rate_means_no_limit() {
        let rate = RateLimit::new(&Settings { rate_per_second: 0, ..crate::http::tests::settings() });
        assert!((0..10_000).all(|_| rate.take("a").refusal().is_none()));
        let mut headers = HeaderMap::new();
        rate.take("a").mark(&mut headers);
        assert!(headers.is_empty());
    }
}
