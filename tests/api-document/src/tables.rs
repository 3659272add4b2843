//! Route tables as they are written: a router does not tell what is in it.

use crate::everywhere::METHODS;

/// Path and method of each route of a table's text, but those of services among themselves.
pub fn routes_of(table: &str) -> Vec<(String, String)> {
    let mut routes = Vec::new();
    for (place, start) in table.match_indices(".route(") {
        let rest = table.get(place + start.len()..).unwrap_or_default();
        let call = rest.get(..end_of_call(rest)).unwrap_or_default();
        let Some(path) = call.split('"').nth(1).filter(|_| call.trim_start().starts_with('"')) else { continue };
        if path.contains("/internal/") {
            continue;
        }
        for method in METHODS {
            let is_called = call.match_indices(&format!("{method}(")).any(|(place, _)| {
                let before = call.get(..place).and_then(|text| text.chars().next_back());
                !before.is_some_and(|symbol| symbol.is_alphanumeric() || symbol == '_')
            });
            if is_called {
                routes.push((path.to_owned(), method.to_owned()));
            }
        }
    }
    routes
}

/// Where the parenthesis closes that was open before this text.
fn end_of_call(text: &str) -> usize {
    let mut open = 1;
    for (place, symbol) in text.char_indices() {
        match symbol {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return place;
        }
    }
    text.len()
}
