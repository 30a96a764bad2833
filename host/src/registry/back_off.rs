//! Trying again what somebody else was faster with.

use std::time::Duration;

/// How often a change is tried.
pub(super) const TRIES: u32 = 40;
/// The longest wait before the next try.
const LONGEST: Duration = Duration::from_millis(200);

/// Waits a random while, longer after each try, so that those who were overtaken together do not meet again.
pub(super) async fn back_off(attempt: u32) {
    let mut random = [0; 2];
    // Without randomness all wait equally long, which is only slower.
    let _ = getrandom::fill(&mut random);
    let most = LONGEST.min(Duration::from_millis(2 << attempt.min(10)));
    tokio::time::sleep(most.mul_f64(f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX)))
        .await;
}
