//! `GET /api/v1/status/history`: how everything was, for anyone.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::app::App;
use crate::http::status::Health;
use crate::routing::ProviderHealth;
use crate::status::{Incident, StatusDay, StatusHistory, SubjectHistory};

/// How everything was in the last 90 days.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusHistory)]
pub(super) struct HistoryView {
    /// The gateway, then the providers.
    subjects: Vec<SubjectView>,
    /// The last ten disturbances, the latest first.
    incidents: Vec<IncidentView>,
}

/// How the gateway or a provider was.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusSubject)]
struct SubjectView {
    /// `gateway`, or a provider.
    subject: &'static str,
    /// 90 days (UTC), today last.
    days: Vec<DayView>,
}

/// A day.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusDay)]
struct DayView {
    #[schema(format = Date)]
    day: String,
    /// `down` from 15 minutes on; `null`: nobody looked.
    #[schema(required, value_type = Option<Health>)]
    status: Option<ProviderHealth>,
    /// Of the time that it was looked at, how much it was not down: parts of 10,000.
    available_bp: u32,
    /// To five minutes.
    degraded_minutes: u32,
    /// To five minutes.
    down_minutes: u32,
}

/// A disturbance.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusIncident)]
struct IncidentView {
    /// `gateway`, or a provider.
    subject: &'static str,
    /// The worst of it.
    #[schema(value_type = Health)]
    status: ProviderHealth,
    #[schema(format = DateTime)]
    began_at: String,
    /// `null`: it is still there.
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
}

impl From<&SubjectHistory> for SubjectView {
    fn from(SubjectHistory { subject, days }: &SubjectHistory) -> Self {
        Self { subject: subject.as_str(), days: days.iter().map(DayView::from).collect() }
    }
}

impl From<&StatusDay> for DayView {
    fn from(of: &StatusDay) -> Self {
        let StatusDay { day, health, available_bp, degraded_minutes, down_minutes } = *of;
        let day = day.to_string().split('T').next().unwrap_or_default().to_owned();
        Self { day, status: health, available_bp, degraded_minutes, down_minutes }
    }
}

impl From<&Incident> for IncidentView {
    fn from(of: &Incident) -> Self {
        let Incident { subject, health, began_at, ended_at } = *of;
        let (began_at, ended_at) = (began_at.to_string(), ended_at.map(|at| at.to_string()));
        Self { subject: subject.as_str(), status: health, began_at, ended_at }
    }
}

/// How the gateway and the providers were in the last 90 days, and the last disturbances.
///
/// It is looked at every five minutes, and read again at most once a minute. Where nobody could look the
/// gateway was down, and of the providers nothing is known.
#[utoipa::path(
    get, path = "/status/history", tag = "public", operation_id = "get_status_history",
    security(()),
    responses((status = OK, body = HistoryView)),
)]
pub(super) async fn history(State(app): State<App>) -> Result<Json<HistoryView>, Problem> {
    let history = app.status().history(app.clock().now()).await;
    let history = history.map_err(|error| Problem::internal(&error))?;
    let StatusHistory { subjects, incidents } = history.as_ref();
    Ok(Json(HistoryView {
        subjects: subjects.iter().map(SubjectView::from).collect(),
        incidents: incidents.iter().map(IncidentView::from).collect(),
    }))
}
