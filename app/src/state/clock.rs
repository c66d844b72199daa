//! What time it is for a person, from the browser's two clocks: one that never goes back, and one
//! that knows the date.

/// Set once, when the page begins to live. The server's twin stays at zero: it prints no times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Milliseconds since 1970 when the other clock stood at zero.
    offset: u64,
    /// Minutes that local time is ahead of UTC.
    zone: i32,
}

/// A date and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) year: u32,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
}

impl Clock {
    /// It is `wall`, milliseconds since 1970, when the other clock says `now`.
    pub(crate) fn new(wall: u64, zone: i32, now: u64) -> Self {
        Self { offset: wall.saturating_sub(now), zone }
    }

    /// Minutes that local time is ahead of UTC.
    pub(crate) fn zone(&self) -> i32 {
        self.zone
    }

    /// The same clock on a wall in Greenwich.
    pub(crate) fn utc(&self) -> Self {
        Self { zone: 0, ..*self }
    }

    /// Milliseconds since 1970.
    pub(crate) fn wall(&self, now: u64) -> u64 {
        self.offset + now
    }

    /// `at`, milliseconds since 1970, on a clock on the wall.
    pub(crate) fn local(&self, at: u64) -> Moment {
        let seconds = (at / 1000).saturating_add_signed(i64::from(self.zone) * 60);
        let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
        // Years that begin in March have their odd day at the end.
        days = days.min(3_000_000) + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Moment {
            year: (era * 400 + year + u64::from(month <= 2)) as u32,
            month: month as u8,
            day: (of_year - (153 * shifted + 2) / 5 + 1) as u8,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let clock = Clock::default();
        for (seconds, expected) in [
            (0, (1970, 1, 1)),
            (951_782_399, (2000, 2, 28)),
            (951_782_400, (2000, 2, 29)),
            (1_709_164_800, (2024, 2, 29)),
            (1_767_225_599, (2025, 12, 31)),
            (1_767_225_600, (2026, 1, 1)),
        ] {
            let Moment { year, month, day, .. } = clock.local(seconds * 1000);
            assert_eq!((year, month, day), expected, "{seconds}");
        }
    }
}
