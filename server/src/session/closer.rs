//! What a page looks at more closely: a line and all that it says, lines as they stand, where the
//! errors are, how the log lies in time.

use std::sync::Arc;

use tailwater_protocol::look::MAX_STRETCHES;
use tailwater_protocol::{
    Course, Details, Direction, Grave, Position, Refusal, RequestId, ServerMessage, Sought,
    Stretch, Taken, ViewId,
};
use tokio::time::{Duration, Instant};
use tokio_stream::wrappers::WatchStream;

use super::{Done, End, MAX_WINDOWS, Session};
use crate::survey::Surveying;

/// Between two words about a survey of a log that grows: what the ruler shows of it is a hair.
pub(super) const SURVEY: Duration = Duration::from_secs(1);

/// What was asked for and read.
pub(super) enum Close {
    Details(Box<Details>),
    Taken(Taken),
    Course(Course),
    Sought(Sought),
}

/// What is wanted of a log.
enum Wanted {
    Details(Position),
    Taken(Vec<Stretch>),
    Course,
}

impl Session {
    pub(super) async fn details(
        &mut self,
        request: RequestId,
        view: ViewId,
        at: Position,
    ) -> Result<(), End> {
        self.look(request, view, Wanted::Details(at)).await
    }

    pub(super) async fn take_stretches(
        &mut self,
        request: RequestId,
        view: ViewId,
        stretches: Vec<Stretch>,
    ) -> Result<(), End> {
        if stretches.len() > MAX_STRETCHES {
            return self.refuse(view, Some(request), Refusal::TooMany).await;
        }
        self.look(request, view, Wanted::Taken(stretches)).await
    }

    pub(super) async fn course(&mut self, request: RequestId, view: ViewId) -> Result<(), End> {
        self.look(request, view, Wanted::Course).await
    }

    async fn look(&mut self, request: RequestId, id: ViewId, wanted: Wanted) -> Result<(), End> {
        let Some(view) = self.views.get(&id) else {
            return self.refuse(id, Some(request), Refusal::NoSuchView).await;
        };
        if self.windows >= MAX_WINDOWS {
            return self.refuse(id, Some(request), Refusal::TooMany).await;
        }
        self.windows += 1;
        let log = Arc::clone(view.log());
        let reader = self.shared.reader.clone();
        self.work.spawn(async move {
            let read = match wanted {
                Wanted::Details(at) => reader.details(&log, at).await.map(|found| {
                    found.map(|found| {
                        Close::Details(Box::new(Details {
                            request,
                            view: id,
                            at: found.at,
                            length: found.length,
                            time: found.time,
                            level: found.level,
                            fields: found.fields,
                            text: found.text,
                            cut: found.cut,
                            bytes: found.bytes,
                        }))
                    })
                }),
                Wanted::Taken(stretches) => {
                    reader.take(&log, stretches).await.map(|(bytes, left)| {
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        Some(Close::Taken(Taken { request, view: id, text, left }))
                    })
                }
                Wanted::Course => {
                    reader.course(&log).await.map(|course| Some(Close::Course(course)))
                }
            };
            Done::Close(id, request, read)
        });
        Ok(())
    }

    /// Says what was read.
    pub(super) async fn tell_close(
        &mut self,
        view: ViewId,
        request: RequestId,
        read: std::io::Result<Option<Close>>,
    ) -> Result<(), End> {
        let message = match read {
            Ok(Some(Close::Details(details))) => ServerMessage::Details(*details),
            Ok(Some(Close::Taken(taken))) => ServerMessage::Taken(taken),
            Ok(Some(Close::Course(course))) => ServerMessage::Course { request, view, course },
            Ok(Some(Close::Sought(sought))) => ServerMessage::SoughtGrave { request, view, sought },
            Ok(None) => {
                let refusal = Refusal::Failed("that line is no longer there".to_owned());
                ServerMessage::Refused { view, request: Some(request), refusal }
            }
            Err(error) => {
                let refusal = Refusal::Failed(error.to_string());
                ServerMessage::Refused { view, request: Some(request), refusal }
            }
        };
        self.send(&message).await
    }

    /// Says from now on where the errors of a view's log are.
    pub(super) async fn survey(&mut self, id: ViewId) -> Result<(), End> {
        let Some(view) = self.views.get_mut(&id) else {
            return self.refuse(id, None, Refusal::NoSuchView).await;
        };
        if view.survey().is_some() {
            return Ok(());
        }
        if let Some(survey) = Surveying::of(&self.shared, view.log()).await {
            for grave in [Grave::Errors, Grave::Warnings] {
                // With what is so now: somebody else's survey may be done.
                self.surveys.insert((id, grave), WatchStream::new(survey.subscribe(grave)));
            }
            view.set_survey(survey);
        }
        Ok(())
    }

    /// Says how the survey of a view stands.
    pub(super) async fn tell_survey(&mut self, view: ViewId) -> Result<(), End> {
        let Some(survey) = self.views.get(&view).and_then(|view| view.survey()) else {
            return Ok(());
        };
        let survey = survey.survey();
        self.send(&ServerMessage::Surveyed { view, survey }).await
    }

    /// When the surveys are to take in what has come.
    pub(super) fn survey_due(&self) -> Option<Instant> {
        self.views.values().filter_map(|view| view.survey_due()).min()
    }

    /// Looks for the next error or warning.
    pub(super) async fn seek_grave(
        &mut self,
        request: RequestId,
        id: ViewId,
        grave: Grave,
        (from, direction): (Option<Position>, Direction),
    ) -> Result<(), End> {
        let Some(survey) = self.views.get(&id).and_then(|view| view.survey()).map(Arc::clone)
        else {
            return self.refuse(id, Some(request), Refusal::NoSuchView).await;
        };
        if self.windows >= MAX_WINDOWS {
            return self.refuse(id, Some(request), Refusal::TooMany).await;
        }
        self.windows += 1;
        self.work.spawn(async move {
            // What has come since is looked at too.
            survey.go_on();
            let sought = survey.seek(grave, from, direction).await;
            Done::Close(id, request, sought.map(|sought| sought.map(Close::Sought)))
        });
        Ok(())
    }
}
