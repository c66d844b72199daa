//! The whole page inside its frame.

use leptos::prelude::*;

use super::banner::Banner;
use super::chosen::Chosen;
use super::desk::Desk;
use super::details::Details;
use super::empty::Empty;
use super::filter::FilterBar;
use super::find::FindBar;
use super::header::Header;
use super::help::Help;
use super::lines::Lines;
use super::marks::Marks;
use super::palette::Palette;
use super::pill::Pill;
use super::ruler::Ruler;
use super::sidebar::Sidebar;
use super::status::Status;
use super::timeline::Timeline;
use crate::boot::Boot;
use crate::browser;
use crate::state::input::Panel;

/// The page.
#[component]
pub fn App(
    /// What it begins with.
    boot: Boot,
) -> impl IntoView {
    let desk = Desk::provide(boot);
    Effect::new(move || browser::begin(desk));
    let drawer = desk.memo(|page, _| page.panel() == Panel::Drawer);
    let aside = desk.memo(|page, _| page.looks().folded_side);
    let home = desk.memo(|page, _| page.log().is_none());
    view! {
        <div class="frame" class:drawn=drawer class:home=home class:no-side=aside>
            <Sidebar />
            <Header />
            <Banner />
            <FilterBar />
            <main class="log">
                <Lines />
                <Ruler />
                <Empty />
                <FindBar />
                <Details />
                <Chosen />
                <Pill />
            </main>
            <Timeline />
            <Status />
        </div>
        <Help />
        <Palette />
        <Marks />
    }
}
