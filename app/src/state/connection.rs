//! The life of the connection: when to dial, when to wait, when the line is dead.
//!
//! It holds neither a clock nor a socket: it is told what happened and when, and says what is to
//! be done. Once the views are open again, what they missed is theirs to count.

use tailwater_protocol::message::close;
use tailwater_protocol::{ClientMessage, PROTOCOL, ServerMessage};

/// Milliseconds before the first new attempt, at most.
const SOONEST: u64 = 250;
/// Milliseconds between attempts, at most.
const LATEST: u64 = 30_000;
/// A connection that held so long begins the counting of attempts anew.
const STEADY: u64 = 10_000;
/// Milliseconds for the first answer.
const PATIENCE: u64 = 10_000;
/// A server that lets nobody in refuses the socket before it is one, and the browser does not say
/// why. So after that many attempts in vain, and every so many again, it is asked another way.
const IN_VAIN: u32 = 4;
/// Milliseconds for the answer to a probe, made because the network or the reader came back.
const PROBE: u64 = 3_000;

/// Where the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not begun.
    Idle,
    /// Under way since then.
    Dialling { since: u64 },
    /// The server has answered.
    Up { since: u64 },
    /// The next attempt is at that time.
    Waiting { until: u64 },
    /// No attempt is of use before a person has acted.
    Ended(Ending),
}

/// Why there will be no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The page speaks another version than the server.
    Reload,
    /// The sign-in is missing or has ended.
    Login,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    Start,
    Opened,
    Heard(&'a ServerMessage),
    Closed {
        code: u16,
    },
    /// The server lets this page in no longer.
    SignedOut,
    /// The network is back, or somebody looks again.
    Probe,
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Dial,
    HangUp,
    Send(ClientMessage),
    /// To be found out: whether the server asks for a sign-in.
    AskWhy,
    /// The server has answered: the views are to be opened.
    Greeted,
}

#[derive(Debug)]
pub(crate) struct Connection {
    phase: Phase,
    build: String,
    /// The server runs another build than this page.
    newer: bool,
    attempts: u32,
    heartbeat: u64,
    heard: u64,
    /// When the answer to a probe is due.
    probe: Option<u64>,
    pings: u32,
    random: u64,
}

impl Connection {
    /// For a page of `build`; `seed` spreads the attempts of many pages over time.
    pub(crate) fn new(build: String, seed: u64) -> Self {
        Self {
            phase: Phase::Idle,
            build,
            newer: false,
            attempts: 0,
            heartbeat: PATIENCE,
            heard: 0,
            probe: None,
            pings: 0,
            random: seed | 1,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Up { .. })
    }

    /// Whether a reload would bring another build of the page.
    pub(crate) fn newer(&self) -> bool {
        self.newer
    }

    pub(crate) fn seed(&mut self, seed: u64) {
        self.random ^= seed;
    }

    /// When to be told that time has passed.
    pub(crate) fn due(&self) -> Option<u64> {
        match self.phase {
            Phase::Idle | Phase::Ended(_) => None,
            Phase::Dialling { since } => Some(since + PATIENCE),
            Phase::Waiting { until } => Some(until),
            Phase::Up { .. } => {
                let silent = self.heard + 2 * self.heartbeat;
                Some(self.probe.map_or(silent, |probe| probe.min(silent)))
            }
        }
    }

    pub(crate) fn on(&mut self, event: Event<'_>, now: u64) -> Vec<Command> {
        match event {
            Event::Start if self.phase == Phase::Idle => self.dial(now),
            Event::Opened if matches!(self.phase, Phase::Dialling { .. }) => {
                let build = self.build.clone();
                vec![Command::Send(ClientMessage::Hello { protocol: PROTOCOL, build })]
            }
            Event::Heard(message) => self.hear(message, now),
            Event::Closed { code } => self.closed(code, now),
            Event::SignedOut => {
                self.phase = Phase::Ended(Ending::Login);
                vec![Command::HangUp]
            }
            Event::Probe => self.probe(now),
            Event::Tick => self.tick(now),
            Event::Start | Event::Opened => Vec::new(),
        }
    }

    fn dial(&mut self, now: u64) -> Vec<Command> {
        self.phase = Phase::Dialling { since: now };
        self.probe = None;
        vec![Command::Dial]
    }

    fn hear(&mut self, message: &ServerMessage, now: u64) -> Vec<Command> {
        self.heard = now;
        self.probe = None;
        match message {
            ServerMessage::Welcome { protocol, build, heartbeat } => {
                self.newer = !self.build.is_empty() && *build != self.build;
                if *protocol != PROTOCOL {
                    self.phase = Phase::Ended(Ending::Reload);
                    return vec![Command::HangUp];
                }
                self.heartbeat = u64::from((*heartbeat).max(1)) * 1000;
                self.phase = Phase::Up { since: now };
                vec![Command::Greeted]
            }
            ServerMessage::Ping(number) => vec![Command::Send(ClientMessage::Pong(*number))],
            _ => Vec::new(),
        }
    }

    fn closed(&mut self, code: u16, now: u64) -> Vec<Command> {
        match (code, self.phase) {
            (_, Phase::Idle | Phase::Ended(_) | Phase::Waiting { .. }) => {}
            (close::RELOAD, _) => self.phase = Phase::Ended(Ending::Reload),
            (close::LOGIN, _) => self.phase = Phase::Ended(Ending::Login),
            (_, phase) => {
                if let Phase::Up { since } = phase
                    && now.saturating_sub(since) >= STEADY
                {
                    self.attempts = 0;
                }
                // A server that is full or has restarted is met by all its pages at once.
                if code == close::BUSY {
                    self.attempts = self.attempts.max(4);
                }
                self.wait(now);
                if !matches!(phase, Phase::Up { .. }) && self.attempts.is_multiple_of(IN_VAIN) {
                    return vec![Command::AskWhy];
                }
            }
        }
        Vec::new()
    }

    fn wait(&mut self, now: u64) {
        let most = SOONEST.saturating_mul(1 << self.attempts.min(16)).min(LATEST);
        self.attempts = self.attempts.saturating_add(1);
        // Half of it fixed and half by chance: never at once, never all together.
        let delay = most / 2 + self.chance(most / 2 + 1);
        self.phase = Phase::Waiting { until: now + delay };
        self.probe = None;
    }

    fn probe(&mut self, now: u64) -> Vec<Command> {
        match self.phase {
            Phase::Waiting { .. } => self.dial(now),
            Phase::Up { .. } if self.probe.is_none() => {
                self.probe = Some(now + PROBE);
                self.pings = self.pings.wrapping_add(1);
                vec![Command::Send(ClientMessage::Ping(self.pings))]
            }
            _ => Vec::new(),
        }
    }

    fn tick(&mut self, now: u64) -> Vec<Command> {
        if self.due().is_none_or(|due| now < due) {
            return Vec::new();
        }
        match self.phase {
            Phase::Waiting { .. } => self.dial(now),
            Phase::Dialling { .. } | Phase::Up { .. } => {
                self.wait(now);
                vec![Command::HangUp]
            }
            Phase::Idle | Phase::Ended(_) => Vec::new(),
        }
    }

    /// A number below `bound` (xorshift: chance for spreading, not for secrets).
    fn chance(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELCOME: fn(&str) -> ServerMessage = |build| ServerMessage::Welcome {
        protocol: PROTOCOL,
        build: build.to_owned(),
        heartbeat: 20,
    };

    fn up(at: u64) -> Connection {
        let mut connection = Connection::new("a".into(), 7);
        assert_eq!(connection.on(Event::Start, at), [Command::Dial]);
        connection.on(Event::Opened, at);
        assert_eq!(connection.on(Event::Heard(&WELCOME("a")), at), [Command::Greeted]);
        connection
    }

    fn waits(connection: &Connection, now: u64) -> u64 {
        match connection.phase() {
            Phase::Waiting { until } => until - now,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn attempts_come_later_and_later_and_never_all_at_once() {
        let (mut one, mut other) = (up(0), Connection::new("a".into(), 99));
        other.on(Event::Start, 0);
        let mut differ = false;
        for attempt in 0..12 {
            one.on(Event::Closed { code: 1006 }, 0);
            other.on(Event::Closed { code: 1006 }, 0);
            let most = (SOONEST << attempt).min(LATEST);
            let (a, b) = (waits(&one, 0), waits(&other, 0));
            assert!((most / 2..=most).contains(&a), "{attempt}: {a}");
            differ |= a != b;
            for connection in [&mut one, &mut other] {
                let due = connection.due().expect("waiting");
                assert_eq!(connection.on(Event::Tick, due - 1), []);
                assert_eq!(connection.on(Event::Tick, due), [Command::Dial]);
            }
        }
        assert!(differ);
    }

    #[test]
    fn only_a_connection_that_held_resets_the_attempts() {
        for (held, most) in [(STEADY - 1, 4 * SOONEST), (STEADY, SOONEST)] {
            let mut connection = up(0);
            connection.attempts = 2;
            connection.on(Event::Closed { code: 1012 }, held);
            assert!((most / 2..=most).contains(&waits(&connection, held)));
        }
    }

    #[test]
    fn a_silent_line_is_hung_up_and_dialled_anew() {
        let mut connection = up(1000);
        connection.on(Event::Heard(&ServerMessage::Pong(0)), 5000);
        assert_eq!(connection.due(), Some(45_000));
        assert_eq!(connection.on(Event::Tick, 45_000), [Command::HangUp]);
        assert!(matches!(connection.phase(), Phase::Waiting { .. }));
        // The socket's own report of its end changes nothing any more.
        let due = connection.due();
        connection.on(Event::Closed { code: 1006 }, 45_001);
        assert_eq!(connection.due(), due);
    }

    #[test]
    fn a_probe_dials_at_once_or_finds_a_dead_line_soon() {
        let mut connection = up(0);
        assert!(matches!(
            connection.on(Event::Probe, 100).as_slice(),
            [Command::Send(ClientMessage::Ping(_))]
        ));
        assert_eq!(connection.on(Event::Probe, 200), []);
        assert_eq!(connection.due(), Some(100 + PROBE));
        assert_eq!(connection.on(Event::Tick, 100 + PROBE), [Command::HangUp]);
        assert_eq!(connection.on(Event::Probe, 100 + PROBE), [Command::Dial]);
    }

    #[test]
    fn any_word_answers_a_probe() {
        let mut connection = up(0);
        connection.on(Event::Probe, 100);
        connection.on(Event::Heard(&ServerMessage::Pong(1)), 150);
        assert_eq!(connection.due(), Some(150 + 40_000));
    }

    #[test]
    fn a_server_that_refuses_again_and_again_is_asked_why() {
        let mut connection = Connection::new("a".into(), 3);
        connection.on(Event::Start, 0);
        let mut asked = Vec::new();
        for attempt in 1..=9 {
            if connection.on(Event::Closed { code: 1006 }, 0) == [Command::AskWhy] {
                asked.push(attempt);
            }
            let due = connection.due().expect("waiting");
            connection.on(Event::Tick, due);
        }
        assert_eq!(asked, [4, 8]);
        connection.on(Event::SignedOut, 0);
        assert_eq!(connection.phase(), Phase::Ended(Ending::Login));
    }

    #[test]
    fn pings_are_answered() {
        let answer = up(0).on(Event::Heard(&ServerMessage::Ping(9)), 1);
        assert_eq!(answer, [Command::Send(ClientMessage::Pong(9))]);
    }

    #[test]
    fn what_only_a_person_can_mend_is_not_tried_again() {
        for (code, ending) in [(close::RELOAD, Ending::Reload), (close::LOGIN, Ending::Login)] {
            let mut connection = up(0);
            connection.on(Event::Closed { code }, 5);
            assert_eq!(connection.phase(), Phase::Ended(ending));
            assert_eq!((connection.due(), connection.on(Event::Probe, 9)), (None, vec![]));
        }
    }

    #[test]
    fn another_build_is_offered_and_not_forced() {
        let mut connection = up(0);
        connection.on(Event::Heard(&WELCOME("b")), 1);
        assert!(connection.newer() && connection.is_up());
        let other =
            ServerMessage::Welcome { protocol: PROTOCOL + 1, build: "c".into(), heartbeat: 1 };
        assert_eq!(connection.on(Event::Heard(&other), 2), [Command::HangUp]);
        assert_eq!(connection.phase(), Phase::Ended(Ending::Reload));
    }
}
