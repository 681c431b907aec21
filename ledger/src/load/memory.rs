//! How much memory this process has had at most, as the system counts it.

/// The peak of what was resident, in MiB; nothing where the system does not say.
pub fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

/// Begins to count the peak anew, where the system can.
pub fn forget_peak() {
    // Refused in some containers; the peak then includes what the process did before.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
