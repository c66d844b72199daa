//! How components reach the page's state: a handle that is passed by context, reads that follow
//! its changes, and one way to tell it what happened.

use leptos::prelude::*;

use crate::boot::Boot;
use crate::browser;
use crate::state::input::{Effect as Do, Input};
use crate::state::keys::{Action, Press};
use crate::state::page::Page;

/// The page's state, and the notice that it has changed: given once a frame at most.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    page: StoredValue<Page>,
    frame: RwSignal<u32>,
    /// Apart from the rest: the tree of sources need not be looked at in each frame.
    sources: RwSignal<u32>,
}

/// The desk of this page.
pub(crate) fn use_desk() -> Desk {
    expect_context()
}

impl Desk {
    pub(crate) fn provide(boot: Boot) -> Self {
        let page = StoredValue::new(Page::new(boot));
        let desk = Self { page, frame: RwSignal::new(0), sources: RwSignal::new(0) };
        provide_context(desk);
        desk
    }

    /// What `read` finds, anew with each frame.
    pub(crate) fn memo<T: PartialEq + Send + Sync + 'static>(
        self,
        read: impl Fn(&Page, u64) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        Memo::new(move |_| {
            self.frame.track();
            self.page.with_value(|page| read(page, browser::now()))
        })
    }

    /// What `read` finds, anew with each change of the sources.
    pub(crate) fn sources<T: PartialEq + Send + Sync + 'static>(
        self,
        read: impl Fn(&Page) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        Memo::new(move |_| {
            self.sources.track();
            self.page.with_value(&read)
        })
    }

    /// What `read` finds now.
    pub(crate) fn peek<T>(self, read: impl FnOnce(&Page) -> T) -> T {
        self.page.with_value(read)
    }

    /// Something happened.
    pub(crate) fn on(self, input: Input) {
        let now = browser::now();
        let silent = matches!(input, Input::Shown);
        let effects = self.page.try_update_value(|page| page.on(input, now));
        self.follow_up(effects.unwrap_or_default());
        if !silent {
            browser::request_frame(self);
        }
    }

    pub(crate) fn act(self, action: Action) {
        self.on(Input::Act(action));
    }

    /// A key was pressed; whether it was ours.
    pub(crate) fn press(self, press: Press<'_>) -> bool {
        let now = browser::now();
        let pressed = self.page.try_update_value(|page| page.press(press, now));
        let (ours, effects) = pressed.unwrap_or_default();
        self.follow_up(effects);
        if ours {
            browser::request_frame(self);
        }
        ours
    }

    /// Gives notice of what has changed since the last frame.
    pub(crate) fn notify(self) {
        self.frame.update(|frame| *frame = frame.wrapping_add(1));
        let listed = self.peek(Page::listed);
        if self.sources.get_untracked() != listed {
            self.sources.set(listed);
        }
    }

    fn follow_up(self, effects: Vec<Do>) {
        browser::perform(self, effects);
        browser::wake_at(self, self.peek(|page| page.wake(browser::now())));
    }
}
