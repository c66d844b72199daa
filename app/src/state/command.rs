//! The command that writes the open log: what it does, and what it can be told.

use tailwater_protocol::{ClientMessage, CommandState, Order};

use super::page::Page;

/// What a command in that state can be told, in the order of the buttons.
pub(crate) fn orders(state: CommandState) -> &'static [Order] {
    match state {
        CommandState::Over => &[Order::Start],
        CommandState::Running => &[Order::Restart, Order::Stop],
        CommandState::Stopping => &[],
    }
}

impl Page {
    /// What the command does that writes the open log, if it is one that can be told to.
    pub(crate) fn command(&self) -> Option<CommandState> {
        self.sources().get(self.log()?)?.command
    }

    /// The message by which that command is told.
    pub(crate) fn order(&self, order: Order) -> Option<ClientMessage> {
        let told = self.command().is_some_and(|state| orders(state).contains(&order));
        told.then(|| self.log().map(|log| ClientMessage::Command { log: log.clone(), order }))?
    }
}
