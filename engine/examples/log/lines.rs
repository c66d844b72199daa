//! The lines of a log to measure with: what the containers of a shop might write into one file.
//!
//! Requests, JSON, logfmt, heartbeats and stack traces, each with an ISO time that never goes back,
//! 163 bytes in the mean; words outside of ASCII in one line of a hundred; [`NEEDLES`] lines that
//! hold [`NEEDLE`], spread evenly. Made from a seed alone, at more than 500 MB a second of CPU, so that a log need
//! not be kept. Of the real world it lacks colour, torn lines and bytes that are no text:
//! those are the tests' business.

/// Lines that hold [`NEEDLE`] and their number.
pub(crate) const NEEDLES: u64 = 16;

/// What stands in [`NEEDLES`] lines and in no other.
pub(crate) const NEEDLE: &str = "needle-7f3c9a";

/// 2026-11-21T00:00:00Z, in seconds since 1970.
const BEGAN: u64 = 1_795_219_200;

/// Between two events, in the mean: 2 GB are some six hours.
const MILLIS: u64 = 2;

const PATHS: [&str; 8] = [
    "/api/v1/orders",
    "/api/v1/orders/search",
    "/api/v1/customers",
    "/api/v1/basket/items",
    "/static/app.js",
    "/healthz",
    "/api/v2/stock/warehouse",
    "/login",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0.0.0 Safari/537.36",
    "curl/7.88.1",
    "kube-probe/1.29",
];
const EVENTS: [&str; 6] = [
    "order placed",
    "payment authorised",
    "basket abandoned",
    "stock reserved",
    "mail queued",
    "invoice rendered",
];
const NAMES: [&str; 6] = ["Müller", "Żółć", "東京支店", "Ångström", "Ωmega", "Nuñez"];
const FRAMES: [&str; 6] = [
    "com.example.shop.order.OrderService.place",
    "com.example.shop.payment.Gateway.authorise",
    "com.example.shop.stock.Warehouse.reserve",
    "org.springframework.web.servlet.FrameworkServlet.service",
    "java.base/java.util.concurrent.ThreadPoolExecutor.runWorker",
    "io.netty.channel.nio.NioEventLoop.processSelectedKeys",
];

/// A log in the making.
pub(crate) struct Log {
    size: u64,
    made: u64,
    lines: u64,
    needles: u64,
    random: u64,
    millis: u64,
    /// The second that `stamp` says.
    second: u64,
    stamp: [u8; 20],
}

impl Log {
    /// A log of `size` bytes.
    pub(crate) fn new(size: u64, seed: u64) -> Self {
        let mut log = Self {
            size,
            made: 0,
            lines: 0,
            needles: 0,
            random: seed,
            millis: BEGAN * 1000,
            second: 0,
            stamp: *b"0000-00-00T00:00:00.",
        };
        log.set_stamp();
        log
    }

    /// Lines made.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Appends whole lines to `to` until it holds `piece` bytes; the last line ends where the log
    /// does. False when there were none left.
    pub(crate) fn fill(&mut self, to: &mut Vec<u8>, piece: usize) -> bool {
        let before = to.len();
        while to.len() < piece && self.made < self.size {
            let start = to.len();
            self.event(to);
            let left = self.size - self.made;
            if (to.len() - start) as u64 > left {
                to.truncate(start + left as usize);
                if let Some(last) = to.last_mut() {
                    *last = b'\n';
                }
            }
            let made = to.get(start..).unwrap_or_default();
            self.lines += made.iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.made += made.len() as u64;
        }
        to.len() > before
    }

    fn event(&mut self, to: &mut Vec<u8>) {
        self.advance();
        let due = self.size / NEEDLES * self.needles + self.size / (2 * NEEDLES);
        if self.made >= due && self.needles < NEEDLES {
            self.needles += 1;
            self.needle(to);
            return;
        }
        match self.below(100) {
            0..=49 => self.request(to),
            50..=75 => self.json(to),
            76..=89 => self.logfmt(to),
            90..=98 => self.heartbeat(to),
            _ => self.failure(to),
        }
    }

    fn request(&mut self, to: &mut Vec<u8>) {
        let status = match self.below(200) {
            0 => 500,
            1..=2 => 503,
            3..=10 => 404,
            11..=14 => 401,
            15..=40 => 304,
            _ => 200,
        };
        self.stamp(to);
        text(
            to,
            if status >= 500 {
                "ERROR"
            } else if status >= 400 {
                "WARN "
            } else {
                "INFO "
            },
        );
        text(to, " http 10.");
        for separator in [".", ".", " \""] {
            let part = self.below(256);
            number(to, part);
            text(to, separator);
        }
        text(to, if self.below(4) == 0 { "POST " } else { "GET " });
        let path = self.one_of(&PATHS);
        text(to, path);
        text(to, "/");
        let order = self.below(10_000_000);
        number(to, order);
        text(to, "?page=");
        let page = self.below(40);
        number(to, page);
        text(to, " HTTP/1.1\" ");
        number(to, status);
        text(to, " ");
        let bytes = self.below(90_000);
        number(to, bytes);
        text(to, " ");
        let took = self.below(900);
        number(to, took);
        text(to, "ms \"");
        let agent = self.one_of(&AGENTS);
        text(to, agent);
        text(to, "\" req=");
        let request = self.next();
        hex(to, request);
        text(to, "\n");
    }

    fn json(&mut self, to: &mut Vec<u8>) {
        let level = self.level();
        text(to, "{\"time\":\"");
        self.time(to);
        text(to, "\",\"level\":\"");
        text(to, level);
        text(to, "\",\"logger\":\"shop.events\",\"message\":\"");
        let event = self.one_of(&EVENTS);
        text(to, event);
        text(to, "\",\"order\":");
        let order = self.below(10_000_000);
        number(to, order);
        text(to, ",\"customer\":{\"id\":");
        let customer = self.below(500_000);
        number(to, customer);
        if self.below(25) == 0 {
            text(to, ",\"name\":\"");
            let name = self.one_of(&NAMES);
            text(to, name);
            text(to, "\"");
        }
        text(to, "},\"amount\":");
        let amount = self.below(900);
        number(to, amount);
        text(to, ".");
        let cents = self.below(90) + 10;
        number(to, cents);
        text(to, ",\"duration_ms\":");
        let took = self.below(2000);
        number(to, took);
        text(to, ",\"trace\":\"");
        let trace = self.next();
        hex(to, trace);
        text(to, "\"}\n");
    }

    fn logfmt(&mut self, to: &mut Vec<u8>) {
        let level = self.level();
        text(to, "time=");
        self.time(to);
        text(to, " level=");
        text(to, level);
        text(to, " component=cache msg=\"");
        text(to, if self.below(3) == 0 { "entry evicted" } else { "lookup done" });
        text(to, "\" key=customer:");
        let key = self.below(500_000);
        number(to, key);
        text(to, ":profile hit=");
        text(to, if self.below(3) == 0 { "false" } else { "true" });
        text(to, " size=");
        let size = self.below(65_536);
        number(to, size);
        text(to, " took=");
        let took = self.below(5000);
        number(to, took);
        text(to, "us shard=");
        let shard = self.below(16);
        number(to, shard);
        text(to, "\n");
    }

    fn heartbeat(&mut self, to: &mut Vec<u8>) {
        self.stamp(to);
        text(to, "DEBUG worker-");
        let worker = self.below(32);
        number(to, worker);
        text(to, " heartbeat queue=");
        let queue = self.below(200);
        number(to, queue);
        text(to, " lag=");
        let lag = self.below(50);
        number(to, lag);
        text(to, "ms\n");
    }

    /// An error with the lines that belong to it.
    fn failure(&mut self, to: &mut Vec<u8>) {
        self.stamp(to);
        text(to, "ERROR shop.orders could not place order ");
        let order = self.below(10_000_000);
        number(to, order);
        text(to, ": payment gateway timed out after ");
        let took = self.below(30_000);
        number(to, took);
        text(to, " ms\njava.net.SocketTimeoutException: Read timed out\n");
        for _frame in 0..self.below(10) + 4 {
            text(to, "\tat ");
            let frame = self.one_of(&FRAMES);
            text(to, frame);
            text(to, "(Source.java:");
            let line = self.below(900);
            number(to, line);
            text(to, ")\n");
        }
    }

    fn needle(&mut self, to: &mut Vec<u8>) {
        self.stamp(to);
        text(to, "WARN  shop.audit ");
        text(to, NEEDLE);
        text(to, " number ");
        number(to, self.needles);
        text(to, " of a few: the ledger was corrected by hand, see the journal of the shift\n");
    }

    fn level(&mut self) -> &'static str {
        match self.below(100) {
            0 => "error",
            1..=3 => "warn",
            4..=13 => "debug",
            _ => "info",
        }
    }

    fn time(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.stamp);
        let millis = self.millis % 1000;
        to.extend([100, 10, 1].map(|unit| b'0' + (millis / unit % 10) as u8));
        to.push(b'Z');
    }

    fn stamp(&self, to: &mut Vec<u8>) {
        self.time(to);
        to.push(b' ');
    }

    fn advance(&mut self) {
        self.millis += self.below(2 * MILLIS + 1);
        if self.millis / 1000 != self.second {
            self.set_stamp();
        }
    }

    fn set_stamp(&mut self) {
        self.second = self.millis / 1000;
        let (year, month, day) = date(self.second / 86_400);
        let of_day = self.second % 86_400;
        let fields = [month, day, of_day / 3600, of_day / 60 % 60, of_day % 60];
        let text = fields.map(|field| format!("{field:02}"));
        let [month, day, hour, minute, second] = &text;
        let stamp = format!("{year:04}-{month}-{day}T{hour}:{minute}:{second}.");
        self.stamp.copy_from_slice(stamp.as_bytes());
    }

    /// splitmix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let choice = self.below(choices.len() as u64);
        choices.get(choice as usize).copied().unwrap_or_default()
    }
}

/// A size such as `500M` in bytes; `k`, `M`, `G` are powers of a thousand.
pub(crate) fn parse_size(size: &str) -> Option<u64> {
    let digits = size.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match size.strip_prefix(digits)?.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn text(to: &mut Vec<u8>, text: &str) {
    to.extend_from_slice(text.as_bytes());
}

fn number(to: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut left = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    to.extend_from_slice(digits.get(at..).unwrap_or_default());
}

fn hex(to: &mut Vec<u8>, number: u64) {
    let digit = |at: u32| b"0123456789abcdef"[(number >> (at * 4)) as usize & 15];
    to.extend((0..16).rev().map(digit));
}

/// The date that is `days` after 1970-01-01, by the proleptic Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    let mut left = days;
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}
