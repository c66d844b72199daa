//! What the view asks beside its rows: all that one line says, lines as they stand, where the
//! errors are, how the log lies in time.

use std::sync::Arc;

use tailwater_protocol::{
    ClientMessage, Course, Details, Direction, Grave, Position, RequestId, Sought, Stretch, Survey,
    Taken,
};

use super::{Follow, View};
use crate::text;

/// Milliseconds after which the course of a log that grows may be asked for again.
const COURSE: u64 = 15_000;

/// Requests for lines that may be under way.
const TAKES: usize = 4;

/// What lines are taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    Copy,
    /// To be kept in a file of that name.
    Download(String),
}

/// A search for an error or a warning.
#[derive(Debug, Clone, Copy)]
struct Seeking {
    request: RequestId,
    grave: Grave,
    direction: Direction,
    /// How many more after this one.
    left: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Closer {
    /// Whether details are shown of the line under the cursor.
    open: bool,
    asked: Option<(RequestId, Position)>,
    /// The line that was asked for last, and answered.
    of: Option<Position>,
    details: Option<Arc<Details>>,
    gone: Option<String>,
    takes: Vec<(RequestId, Purpose)>,
    seeking: Option<Seeking>,
    survey: Option<Arc<Survey>>,
    /// Whether the timeline is shown.
    timeline: bool,
    course: Option<Arc<Course>>,
    course_asked: Option<RequestId>,
    /// When the course was asked for last, and how much log there was.
    course_at: Option<(u64, u64)>,
}

impl Closer {
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }
    pub(crate) fn details(&self) -> Option<&Arc<Details>> {
        self.details.as_ref()
    }
    /// Why there are no details.
    pub(crate) fn gone(&self) -> Option<&str> {
        self.gone.as_deref()
    }
    pub(crate) fn survey(&self) -> Option<&Arc<Survey>> {
        self.survey.as_ref()
    }
    pub(crate) fn course(&self) -> Option<&Arc<Course>> {
        self.course.as_ref()
    }

    /// What is under way was asked of another connection.
    pub(super) fn begin_anew(&mut self) {
        (self.asked, self.seeking, self.course_asked) = (None, None, None);
        self.takes.clear();
        self.survey = None;
    }
}

impl View {
    pub(crate) fn closer(&self) -> &Closer {
        &self.closer
    }

    /// Shows the details of the line under the cursor, or shuts them.
    pub(crate) fn toggle_details(&mut self, out: &mut Vec<ClientMessage>) {
        if self.closer.open {
            self.shut_details();
        } else {
            self.take_cursor(out);
            self.closer.open = true;
            (self.closer.of, self.closer.details) = (None, None);
        }
    }

    pub(crate) fn shut_details(&mut self) {
        self.closer.open = false;
        (self.closer.asked, self.closer.of, self.closer.details) = (None, None, None);
    }

    pub(crate) fn set_timeline(&mut self, shown: bool) {
        self.closer.timeline = shown;
    }

    /// Asks for what is shown and not known yet.
    pub(crate) fn keep_up(&mut self, now: u64, out: &mut Vec<ClientMessage>) {
        let wanted = self.current.filter(|at| self.closer.open && self.closer.of != Some(*at));
        if let (Some(at), None) = (wanted, self.closer.asked) {
            let request = self.number_request();
            self.closer.asked = Some((request, at));
            out.push(ClientMessage::Details { request, view: self.id, at });
        }
        let bytes = self.outline.bytes();
        let due = self
            .closer
            .course_at
            .is_none_or(|(at, had)| now >= at + COURSE && bytes.abs_diff(had) > had / 50);
        if self.closer.timeline && due && bytes > 0 && self.closer.course_asked.is_none() {
            let request = self.number_request();
            self.closer.course_asked = Some(request);
            self.closer.course_at = Some((now, bytes));
            out.push(ClientMessage::Course { request, view: self.id });
        }
    }

    pub(crate) fn heard_details(&mut self, details: Details) {
        if let Some((_, at)) = self.closer.asked.take_if(|(id, _)| *id == details.request) {
            self.closer.of = Some(at);
            self.closer.gone = None;
            self.closer.details = Some(Arc::new(details));
        }
    }

    pub(crate) fn heard_course(&mut self, request: RequestId, course: Course) {
        if self.closer.course_asked.take_if(|id| *id == request).is_some() {
            self.closer.course = Some(Arc::new(course));
        }
    }

    pub(crate) fn heard_survey(&mut self, survey: Survey) {
        self.closer.survey = Some(Arc::new(survey));
    }

    /// Takes lines as they stand in the log.
    pub(crate) fn take(
        &mut self,
        stretches: Vec<Stretch>,
        purpose: Purpose,
        out: &mut Vec<ClientMessage>,
    ) {
        if stretches.is_empty() || self.closer.takes.len() >= TAKES {
            return;
        }
        let request = self.number_request();
        self.closer.takes.push((request, purpose));
        out.push(ClientMessage::Take { request, view: self.id, stretches });
    }

    /// What the lines were taken for.
    pub(crate) fn heard_taken(&mut self, taken: &Taken) -> Option<Purpose> {
        let at = self.closer.takes.iter().position(|(id, _)| *id == taken.request)?;
        Some(self.closer.takes.remove(at).1)
    }

    /// Goes to the next error or warning; who follows, to the newest.
    pub(crate) fn seek_grave(&mut self, grave: Grave, steps: i32, out: &mut Vec<ClientMessage>) {
        if self.closer.seeking.is_some() || steps == 0 {
            return;
        }
        let follows = self.follow == Follow::On;
        let forward = steps > 0 && !follows;
        let direction = if forward { Direction::Forward } else { Direction::Backward };
        let seen = self.current.filter(|at| self.list.sees(*at));
        let top = || self.list.top_line().map(|line| line.position);
        let from = if follows { None } else { seen.or_else(top) };
        let left = steps.unsigned_abs() - 1;
        self.ask_grave(grave, direction, from, left, out);
    }

    fn ask_grave(
        &mut self,
        grave: Grave,
        direction: Direction,
        from: Option<Position>,
        left: u32,
        out: &mut Vec<ClientMessage>,
    ) {
        let request = self.number_request();
        self.closer.seeking = Some(Seeking { request, grave, direction, left });
        let view = self.id;
        out.push(ClientMessage::SeekGrave { request, view, grave, from, direction });
    }

    /// Goes where one was found; what is to be said when there is none.
    pub(crate) fn heard_grave(
        &mut self,
        request: RequestId,
        sought: Sought,
        out: &mut Vec<ClientMessage>,
    ) -> Option<&'static str> {
        let seeking = self.closer.seeking.take_if(|seeking| seeking.request == request)?;
        let Seeking { grave, direction, left, .. } = seeking;
        match sought {
            Sought::Hit { at, .. } if left > 0 => {
                self.current = Some(at);
                self.ask_grave(grave, direction, Some(at), left - 1, out);
                None
            }
            Sought::Hit { at, .. } => {
                self.go_to_line(at, out);
                None
            }
            Sought::Nothing => Some(text::no_grave(grave, direction)),
        }
    }

    /// A request of these was refused; whether it was one of these.
    pub(super) fn refused_close(&mut self, request: RequestId, why: &str) -> bool {
        let closer = &mut self.closer;
        if let Some((_, at)) = closer.asked.take_if(|(id, _)| *id == request) {
            (closer.of, closer.details) = (Some(at), None);
            closer.gone = Some(why.to_owned());
            return true;
        }
        let takes = closer.takes.len();
        closer.takes.retain(|(id, _)| *id != request);
        takes != closer.takes.len()
            || closer.seeking.take_if(|seeking| seeking.request == request).is_some()
            || closer.course_asked.take_if(|id| *id == request).is_some()
    }

    fn number_request(&mut self) -> RequestId {
        self.requests = self.requests.wrapping_add(1);
        RequestId(self.requests)
    }
}
