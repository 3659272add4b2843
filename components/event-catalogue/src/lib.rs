//! What a type of event is, as its context describes it for those who hear it: a sentence, the schema of its data, an
//! example.
//!
//! What lives here: the shape of a description, made from the wire type itself and from a value of it, so that schema,
//! example and code cannot differ. What does not: the descriptions (each context's wire crate has a `catalogue`) and the
//! document that is put together from them (`event-document`). Components link none of it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// A shape that travels in an event.
#[derive(Clone)]
pub struct Shape {
    /// Its name, such as `PaymentSnapshot`.
    pub name: String,
    /// Its schema.
    pub schema: RefOr<Schema>,
    /// The shapes that it refers to, by their names.
    pub parts: Vec<(String, RefOr<Schema>)>,
    /// One value of it.
    pub example: Value,
}

impl Shape {
    /// The shape of a type, with this example.
    pub fn of<T: ToSchema + Serialize>(example: &T) -> Self {
        // A wire type is always JSON; where it were not, the example would not fit its schema, which a test sees.
        Self { example: serde_json::to_value(example).unwrap_or_default(), ..Self::of_schema::<T>() }
    }

    /// The shape of a type without an example.
    pub fn of_schema<T: ToSchema>() -> Self {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        Self { name: T::name().into_owned(), schema: T::schema(), parts, example: Value::Null }
    }
}

/// One type of event.
#[derive(Clone)]
pub struct EventType {
    /// Its name with its major version, such as `payments.payment.captured.v1`.
    pub kind: &'static str,
    /// What happened, in a sentence.
    pub summary: &'static str,
    /// What it happened to in the example, such as `pay_00…`.
    pub subject: String,
    /// The public snapshot.
    pub data: Shape,
    /// What is personal, before it is sealed; `None` where nothing is.
    pub personal: Option<Shape>,
}

impl EventType {
    /// A type of event without anything personal.
    pub fn new<T: ToSchema + Serialize>(
        kind: &'static str,
        summary: &'static str,
        subject: impl ToString,
        data: &T,
    ) -> Self {
        Self { kind, summary, subject: subject.to_string(), data: Shape::of(data), personal: None }
    }

    /// With what is personal about its subject.
    #[must_use]
    pub fn with_personal<T: ToSchema + Serialize>(mut self, personal: &T) -> Self {
        self.personal = Some(Shape::of(personal));
        self
    }

    /// The context that tells it.
    pub fn context(&self) -> &'static str {
        self.kind.split('.').next().unwrap_or_default()
    }
}
