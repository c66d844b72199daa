//! What the page makes of what the server says, and what it tells in its title of what nobody reads.

use tailwater_protocol::{ClientMessage, LogName, Refusal, ServerMessage};

use super::Page;
use crate::state::input::{Effect, Mood};
use crate::text;

impl Page {
    pub(super) fn hear(
        &mut self,
        message: ServerMessage,
        now: u64,
        out: &mut Vec<ClientMessage>,
    ) -> Vec<Effect> {
        match message {
            ServerMessage::Sources { all, changed, gone } => {
                self.sources.apply(all, changed, &gone);
                self.watch(out);
                self.listed = self.listed.wrapping_add(1);
            }
            ServerMessage::Window(window) => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == window.view) {
                    view.window(window, out);
                }
            }
            ServerMessage::Frame { view: id, frame } if self.watches.heard(id, &frame, now) => {
                self.listed = self.listed.wrapping_add(1);
                return self.retitle();
            }
            ServerMessage::Frame { view: id, frame } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == id) {
                    self.unshown = Some((id, frame.sequence, now));
                    view.frame(frame, now, out);
                    if let Some(passed) = view.take_caught_up() {
                        self.say(text::caught_up(passed), now);
                    }
                }
            }
            ServerMessage::Finding { view: id, find, finding } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == id) {
                    view.heard_finding(find, finding);
                }
            }
            ServerMessage::Sought { view: id, find, sought } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == id) {
                    view.heard_sought(find, sought, out);
                }
            }
            ServerMessage::Refused { view: id, .. } if self.watches.refused(id) => {}
            ServerMessage::Refused { view: id, request, refusal } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == id) {
                    let why = match refusal {
                        Refusal::NoSuchLog => text::NO_SUCH_LOG.to_owned(),
                        Refusal::TooMany => text::TOO_MANY.to_owned(),
                        Refusal::Failed(why) => why,
                        // It was closed meanwhile.
                        Refusal::NoSuchView => return Vec::new(),
                    };
                    view.refused(request, why, out);
                }
            }
            ServerMessage::Details(details) => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == details.view) {
                    view.heard_details(details);
                }
            }
            ServerMessage::Taken(taken) => return self.taken(taken, now).into_iter().collect(),
            ServerMessage::Surveyed { view: id, survey } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == id) {
                    view.heard_survey(survey);
                }
            }
            ServerMessage::SoughtGrave { request, view: id, sought } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == id)
                    && let Some(said) = view.heard_grave(request, sought, out)
                {
                    self.say(said.to_owned(), now);
                }
            }
            ServerMessage::Course { request, view: id, course } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == id) {
                    view.heard_course(request, course);
                }
            }
            ServerMessage::Filtering { view: id, id: filter, filtering } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.id() == id) {
                    view.heard_filtering(filter, filtering);
                }
            }
            ServerMessage::Welcome { .. } | ServerMessage::Ping(_) | ServerMessage::Pong(_) => {}
        }
        Vec::new()
    }

    pub(super) fn title(&self) -> Effect {
        let errors = if self.hidden { self.watches.errors() } else { 0 };
        Effect::Title(text::title_of(self.log().map(LogName::as_str), errors))
    }

    /// Tells in the title of errors that came while nobody looked, if there are others now.
    pub(super) fn retitle(&mut self) -> Vec<Effect> {
        let errors = if self.hidden { self.watches.errors() } else { 0 };
        let before = std::mem::replace(&mut self.titled, errors);
        let mut effects = Vec::new();
        if before != errors {
            effects.push(self.title());
        }
        if (before > 0) != (errors > 0) {
            effects.push(Effect::Icon(if errors > 0 { Mood::Alert } else { Mood::Calm }));
        }
        effects
    }

    /// Looks at what comes into logs that nobody reads.
    pub(super) fn watch(&mut self, out: &mut Vec<ClientMessage>) {
        let open = self.view.as_ref().map(|view| view.log().clone());
        if let (Some(log), false) = (&open, self.hidden) {
            self.watches.read(log);
        }
        self.watches.choose(&self.sources, open.as_ref().filter(|_| !self.hidden), out);
    }
}
