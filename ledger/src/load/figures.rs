//! What a load took.

use serde::Serialize;

use crate::load::Load;

/// The figures of one run. Rates are transfers a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub transfers: u64,
    /// Acknowledged, and so durable.
    pub burst_per_s: f64,
    /// Acknowledged and in the views.
    pub sustained_per_s: f64,
    /// What the disk could make durable of the same bytes in commits of the same size.
    pub disk_limit_per_s: f64,
    /// Journal and views on disk.
    pub bytes_per_transfer: f64,
    /// Zero where the system does not tell.
    pub peak_rss_mib: u64,
    /// From the process's end without a word until commands are taken again.
    pub recovery_s: f64,
    pub verify_per_s: f64,
    /// How long a request took until its answers were durable.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub commits: u64,
}

impl Figures {
    /// The figures with their ratios to the disk's limit, as lines for people.
    pub fn table(&self, load: &Load) -> String {
        let ratio = |rate: f64| {
            let percent = 100.0 * rate / self.disk_limit_per_s;
            format!("{percent:6.1} % of the disk's limit")
        };
        let shape = if load.batch == 1 {
            format!("one at a time from {} submitters", load.submitters)
        } else {
            format!(
                "in batches of {} from {} submitters",
                load.batch, load.submitters
            )
        };
        let lines = [
            format!(
                "{} transfers between {} accounts, {shape}",
                load.transfers, load.accounts
            ),
            format!(
                "  acknowledged      {:>12.0} /s  {}",
                self.burst_per_s,
                ratio(self.burst_per_s)
            ),
            format!(
                "  views caught up   {:>12.0} /s  {}",
                self.sustained_per_s,
                ratio(self.sustained_per_s)
            ),
            format!(
                "  the disk's limit  {:>12.0} /s  write + fdatasync of the same bytes",
                self.disk_limit_per_s
            ),
            format!(
                "  in commits of     {:>12.1}     transfers",
                self.transfers as f64 / self.commits.max(1) as f64
            ),
            format!(
                "  a request takes   {:>12.2} ms  at the median, {:.2} ms at the 99th of a hundred",
                self.p50_ms, self.p99_ms
            ),
            format!(
                "  on disk           {:>12.0}     bytes a transfer, journal and views",
                self.bytes_per_transfer
            ),
            format!("  in memory         {:>12} MiB at most", self.peak_rss_mib),
            format!("  start after kill  {:>12.2} s", self.recovery_s),
            format!("  verified          {:>12.0} /s", self.verify_per_s),
        ];
        lines.join("\n")
    }
}
