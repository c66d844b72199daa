//! Lines a second over the last seconds: a few buckets, so that it costs the same at one line a
//! second and at a million.

/// Milliseconds in a bucket.
const BUCKET: u64 = 250;
/// Buckets: two seconds, short enough to be now and long enough to read.
const BUCKETS: u64 = 8;

#[derive(Debug, Default)]
pub(crate) struct Rate {
    lines: [u64; BUCKETS as usize],
    newest: u64,
    started: Option<u64>,
}

impl Rate {
    /// `lines` came at `now`.
    pub(crate) fn add(&mut self, now: u64, lines: u64) {
        let bucket = now / BUCKET;
        let first = (self.newest + 1).max(bucket.saturating_sub(BUCKETS - 1));
        for stale in first..=bucket {
            self.lines[(stale % BUCKETS) as usize] = 0;
        }
        self.newest = self.newest.max(bucket);
        self.started.get_or_insert(now);
        self.lines[(bucket % BUCKETS) as usize] += lines;
    }

    /// Lines a second, as seen at `now`.
    pub(crate) fn at(&self, now: u64) -> u64 {
        let bucket = now / BUCKET;
        let oldest = (bucket + 1).saturating_sub(BUCKETS);
        let live = oldest..=self.newest.min(bucket);
        let sum: u64 = live.map(|bucket| self.lines[(bucket % BUCKETS) as usize]).sum();
        let began = self.started.unwrap_or(now);
        // A view that has just begun has had less than the whole time to see lines in.
        let time = now.saturating_sub(began).clamp(1000, BUCKET * BUCKETS);
        sum * 1000 / time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured_and_its_end_seen() {
        let mut rate = Rate::default();
        for tick in 0..400 {
            rate.add(10_000 + tick * 10, 100);
        }
        let shown = rate.at(14_000);
        assert!((8_500..=11_500).contains(&shown), "{shown}");
        assert_eq!(rate.at(16_100), 0);
    }

    #[test]
    fn a_long_silence_leaves_nothing_behind() {
        let mut rate = Rate::default();
        rate.add(1_000, 5);
        rate.add(900_000, 2);
        assert_eq!(rate.at(900_100), 1);
    }
}
