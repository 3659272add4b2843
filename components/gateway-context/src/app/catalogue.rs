//! What each problem means: the rows of docs/problems.md, embedded, so that every `type` leads somewhere.

use axum::extract::Path;
use problem::{Json, NOT_FOUND, Problem};
use serde::Serialize;

/// The page as it lies in the repository.
const PAGE: &str = include_str!("../../../../docs/problems.md");

/// One kind of problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProblemRow {
    /// The stable name: the last segment of `type`.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// What the caller does about it.
    pub what_to_do: &'static str,
}

/// Every kind of problem that the page describes, in its order.
pub fn catalogue() -> Vec<ProblemRow> {
    PAGE.lines().filter_map(row).collect()
}

/// A row of a table whose first cell is a slug in backticks: `` | `slug` | 404 | meaning | what to do | ``.
fn row(line: &'static str) -> Option<ProblemRow> {
    let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
    let slug = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    let (status, meaning, what_to_do) = (cells.next()?.parse().ok()?, cells.next()?, cells.next()?);
    cells.next().is_none().then_some(ProblemRow { slug, status, meaning, what_to_do })
}

/// What each problem means
#[utoipa::path(
    get, path = "/problems", operation_id = "list_problems", tag = "front desk",
    responses((status = 200, description = "Every kind of problem", body = [ProblemRow])),
)]
pub(crate) async fn list() -> Json<Vec<ProblemRow>> {
    Json(catalogue())
}

/// What one problem means and what to do about it
#[utoipa::path(
    get, path = "/problems/{slug}", operation_id = "get_problem", tag = "front desk",
    params(("slug" = String, Path, description = "The last part of its `type`", example = "not-found")),
    responses(
        (status = 200, description = "The kind of problem", body = ProblemRow),
        (status = 404, description = "`not-found`: no problem has this name"),
    ),
)]
pub(crate) async fn one(Path(slug): Path<String>) -> Result<Json<ProblemRow>, Problem> {
    let found = catalogue().into_iter().find(|row| row.slug == slug);
    found.map(Json).ok_or_else(|| Problem::new(NOT_FOUND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_shared_problem_has_its_row_and_its_status() {
        let rows = catalogue();
        for kind in problem::SHARED {
            let row = rows.iter().find(|row| row.slug == kind.slug);
            assert_eq!(row.map(|row| row.status), Some(kind.status), "{}", kind.slug);
        }
    }

    #[test]
    fn each_row_is_whole_and_there_once() {
        let rows = catalogue();
        let table_lines = PAGE.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows.len(), table_lines, "a row has four cells, the second a status");
        assert_eq!(rows.iter().map(|row| row.slug).collect::<HashSet<_>>().len(), rows.len());
        for row in rows {
            assert!(
                (400..600).contains(&row.status) && !row.meaning.is_empty() && !row.what_to_do.is_empty(),
                "{row:?}"
            );
        }
    }
}
