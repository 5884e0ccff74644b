//! Measures the memory and the time that looking for duplicates takes.
//!
//! ```text
//! cargo run --release -p import --example seen_memory [KEYS]
//! ```
//!
//! Sees KEYS different keys (12 million unless given) once, half of them a second time, and prints
//! bytes per key, the most memory the process ever had in use (Linux), and the
//! time per key, hashing included.
#![expect(clippy::print_stdout, reason = "an example that prints")]

#[path = "../src/seen.rs"]
mod seen;

use std::{env, error::Error, fs, time::Instant};

use seen::{MAX_KEYS, Seen, fingerprint};

fn main() -> Result<(), Box<dyn Error>> {
    let keys: u32 = match env::args().nth(1) {
        Some(keys) => keys.parse()?,
        None => u32::try_from(MAX_KEYS)?,
    };
    let before = peak();
    let mut seen = Seen::default();
    let start = Instant::now();
    for ordinal in 0..keys {
        let key = format!(r#"{{"id":{{"S":"order-{ordinal}"}}}}"#);
        assert_eq!(seen.insert(fingerprint(&key, 0), ordinal), None);
        if (ordinal + 1) % 1_000_000 == 0 || ordinal + 1 == keys {
            tell(&seen, before, start);
        }
    }
    assert_eq!(seen.len(), keys as usize);
    let start = Instant::now();
    for ordinal in 0..keys / 2 {
        let key = format!(r#"{{"id":{{"S":"order-{ordinal}"}}}}"#);
        assert_eq!(seen.replace(fingerprint(&key, 0), ordinal), Some(ordinal));
    }
    println!("seen again: {} ns/key", start.elapsed().as_nanos() / u128::from(keys / 2).max(1));
    println!("peak before the first key: {before} kB");
    seen.clear();
    Ok(())
}

fn tell(seen: &Seen, before: u64, start: Instant) {
    let peak = peak();
    let tenths = (peak - before) * 1024 * 10 / seen.len() as u64;
    let nanoseconds = start.elapsed().as_nanos() / seen.len() as u128;
    println!(
        "{:>10} keys, {}.{} bytes/key, peak {peak} kB, {nanoseconds} ns/key so far",
        seen.len(),
        tenths / 10,
        tenths % 10,
    );
}

/// The most memory the process had in use until now, in kB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
