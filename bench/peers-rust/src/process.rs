//! What this process has used.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// The CPU time of all threads so far, in user and system mode.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = time.tv_sec.unsigned_abs();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// What a step gave, and its CPU time in seconds.
pub(crate) fn timed<T>(step: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let before = cpu_time();
    let done = step()?;
    Ok((done, cpu_time().saturating_sub(before).as_secs_f64()))
}

/// The bytes resident now.
pub(crate) fn resident() -> Result<u64> {
    status("VmRSS:")
}

/// The most bytes that were resident since [`forget_peak`].
pub(crate) fn peak() -> Result<u64> {
    status("VmHWM:")
}

/// Begins a new peak, so that nothing from before counts.
pub(crate) fn forget_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("the peak of this process cannot be reset")
}

fn status(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.with_context(|| format!("/proc/self/status says no {name}"))?.parse()?;
    Ok(kib * 1024)
}
