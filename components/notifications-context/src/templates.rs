//! The texts: embedded files in versions and languages, and their rendering.
//!
//! **Shape** `templates/<name>/<version>/<locale>.{subject.txt,body.txt}`; a text whose name ends in `.html` would be
//! escaped, by the same rule by which `.txt` is not. A published version is never edited: a change is a new version, so
//! that what was sent can be rendered again. **Invariant** subjects hold no personal data: lists and indexes repeat
//! them.

use crate::domain::{Contact, Occasion, Template};
use ambient::Timestamp;
use minijinja::{Environment, UndefinedBehavior, context};
use money::Money;

/// The language where the wanted one has no text; each template has it.
pub const DEFAULT_LOCALE: &str = "en";

/// One text in one language.
struct Text {
    template: Template,
    version: u16,
    locale: &'static str,
    subject: &'static str,
    body: &'static str,
}

/// Names the files of one template and version in each language.
macro_rules! texts {
    ($($template:ident $name:literal $version:literal [$($locale:literal)*])*) => {
        const TEXTS: &[Text] = &[$($(Text {
            template: Template::$template,
            version: $version,
            locale: $locale,
            subject: include_str!(concat!("../templates/", $name, "/", $version, "/", $locale, ".subject.txt")),
            body: include_str!(concat!("../templates/", $name, "/", $version, "/", $locale, ".body.txt")),
        },)*)*];
    };
}

texts! {
    Welcome "welcome" 1 ["en" "de"]
    PaymentReceipt "payment-receipt" 1 ["en" "de"]
    PaymentFailed "payment-failed" 1 ["en" "de"]
    VerifyEmail "code-verify-email" 1 ["en" "de"]
    ResetPassword "code-reset-password" 1 ["en" "de"]
    ChangeEmail "code-change-email" 1 ["en" "de"]
    ConfirmNewEmail "code-confirm-new-email" 1 ["en" "de"]
    PasswordChanged "password-changed" 1 ["en" "de"]
    EmailChanged "email-changed" 1 ["en" "de"]
    SecondFactorChanged "second-factor-changed" 1 ["en" "de"]
    PaymentRefunded "payment-refunded" 1 ["en" "de"]
    RefundFailed "refund-failed" 1 ["en" "de"]
    DisputeOpened "dispute-opened" 1 ["en" "de"]
    DisputeWon "dispute-won" 1 ["en" "de"]
    DisputeLost "dispute-lost" 1 ["en" "de"]
    PayoutPaid "payout-paid" 1 ["en" "de"]
    PayoutFailed "payout-failed" 1 ["en" "de"]
}

/// Why a text cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// No text of this name, not even in the default language.
    #[error("the template {template} has no text in {DEFAULT_LOCALE}")]
    Missing {
        /// Which template.
        template: &'static str,
    },
    /// The text asks for a value that it does not get, or cannot be read.
    #[error("the template {template} in {locale} cannot be rendered: {kind:?}")]
    Render {
        /// Which template.
        template: &'static str,
        /// In which language.
        locale: &'static str,
        /// What is wrong; never a value.
        kind: minijinja::ErrorKind,
    },
}

/// A text with its values filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Makes the text of an occasion in the language of the recipient.
///
/// # Errors
/// [`TemplateError`], which the tests of this file rule out for the embedded texts.
pub fn render(occasion: &Occasion, contact: &Contact, occurred_at: Timestamp) -> Result<Rendered, TemplateError> {
    let text = find(occasion.template(), &contact.locale)?;
    let (mut payment_id, mut captured, mut amount) = (None, None, None);
    let (mut description, mut failure_code, mut one_time_code, mut payout) = (None, None, None, None);
    match occasion {
        Occasion::Registered | Occasion::PasswordChanged | Occasion::EmailChanged | Occasion::SecondFactorChanged => {}
        Occasion::CodeIssued { code, .. } => one_time_code = Some(code.clone()),
        Occasion::PaymentCaptured { payment_id: id, captured: taken, description: words } => {
            payment_id = Some(id.to_string());
            captured = Some(written(*taken, text.locale));
            description = words.clone();
        }
        Occasion::PaymentFailed { payment_id: id, amount: asked, failure_code: code } => {
            payment_id = Some(id.to_string());
            amount = Some(written(*asked, text.locale));
            failure_code = code.clone();
        }
        Occasion::PaymentRefunded { payment_id: id, captured: taken, refunded }
        | Occasion::RefundFailed { payment_id: id, captured: taken, refunded } => {
            payment_id = Some(id.to_string());
            captured = Some(written(*taken, text.locale));
            amount = Some(written(*refunded, text.locale));
        }
        Occasion::Disputed { payment_id: id, captured: taken, .. } => {
            payment_id = Some(id.to_string());
            captured = Some(written(*taken, text.locale));
        }
        Occasion::Payout { payout_id, amount: paid, .. } => {
            payout = Some(payout_id.to_string());
            amount = Some(written(*paid, text.locale));
        }
    }
    let occurred_on = occurred_at.to_string().split('T').next().unwrap_or_default().to_owned();
    // Each name is always there, empty where the occasion has no such thing: a misspelt name is an error, an absent
    // value is not.
    let values = context! {
        display_name => contact.display_name.as_str(),
        occurred_on, payment_id, captured, amount, description, failure_code,
        code => one_time_code, payout_id => payout,
    };
    let environment = environment();
    let fill = |suffix: &str, source: &str| {
        let name = format!("{}/{}/{}.{suffix}", text.template.name(), text.version, text.locale);
        environment.render_named_str(&name, source, values.clone()).map_err(|error| TemplateError::Render {
            template: text.template.name(),
            locale: text.locale,
            kind: error.kind(),
        })
    };
    let subject = fill("subject.txt", text.subject)?;
    let body = fill("body.txt", text.body)?;
    Ok(Rendered { subject: one_line(&subject), body: body.trim_end().to_owned() })
}

/// The newest text of a template in the wanted language, in its mother language (`de` for `de-AT`), or in the default.
fn find(template: Template, locale: &str) -> Result<&'static Text, TemplateError> {
    let mother = locale.split(['-', '_']).next().unwrap_or_default();
    [locale, mother, DEFAULT_LOCALE]
        .iter()
        .find_map(|wanted| {
            TEXTS
                .iter()
                .filter(|text| text.template == template && text.locale.eq_ignore_ascii_case(wanted))
                .max_by_key(|text| text.version)
        })
        .ok_or(TemplateError::Missing { template: template.name() })
}

/// The language of the templates: unknown names are errors, HTML is escaped by the name's ending.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

/// An amount as the language writes it.
fn written(amount: Money, locale: &str) -> String {
    let text = amount.to_string();
    match locale {
        "de" => text.replace('.', ","),
        _ => text,
    }
}

/// Without line breaks and other control characters: a subject is one header line.
fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DisputeTurn;
    use ids::{PaymentId, UserId};
    use payments_wire::PayoutId;
    use users_wire::CodePurpose;

    const AT: Timestamp = Timestamp::from_unix_ms(1_767_225_600_007);
    const NAME: &str = "Ada <b>Lovelace</b>";

    fn contact(locale: &str) -> Contact {
        Contact {
            user_id: UserId::derived(0, &[b"ada"]),
            email: "ada@example.com".into(),
            display_name: NAME.into(),
            locale: locale.into(),
            version: "1.1".parse().unwrap(),
        }
    }

    fn code(purpose: CodePurpose) -> Occasion {
        Occasion::CodeIssued { purpose, code: "042042".into() }
    }

    fn occasions() -> Vec<Occasion> {
        let payment_id = PaymentId::derived(0, &[b"p"]);
        let amount = Money::new(1099, "EUR".parse().unwrap()).unwrap();
        vec![
            Occasion::Registered,
            Occasion::PaymentCaptured { payment_id, captured: amount, description: Some("two books".into()) },
            Occasion::PaymentCaptured { payment_id, captured: amount, description: None },
            Occasion::PaymentFailed { payment_id, amount, failure_code: Some("card_declined".into()) },
            Occasion::PaymentFailed { payment_id, amount, failure_code: None },
            code(CodePurpose::VerifyEmail),
            code(CodePurpose::ResetPassword),
            code(CodePurpose::ChangeEmail),
            code(CodePurpose::ConfirmNewEmail),
            Occasion::PasswordChanged,
            Occasion::EmailChanged,
            Occasion::SecondFactorChanged,
            Occasion::PaymentRefunded { payment_id, captured: amount, refunded: amount },
            Occasion::RefundFailed { payment_id, captured: amount, refunded: Money::zero(amount.currency()) },
            Occasion::Disputed { payment_id, captured: amount, turn: DisputeTurn::Opened },
            Occasion::Disputed { payment_id, captured: amount, turn: DisputeTurn::Won },
            Occasion::Disputed { payment_id, captured: amount, turn: DisputeTurn::Lost },
            Occasion::Payout { payout_id: PayoutId::derived(0, &[b"po"]), amount, arrived: true },
            Occasion::Payout { payout_id: PayoutId::derived(0, &[b"po"]), amount, arrived: false },
        ]
    }

    #[test]
    fn every_text_renders_in_every_language_with_and_without_what_is_optional() {
        let mut shown = String::new();
        for locale in ["en", "de"] {
            for occasion in occasions() {
                let made = render(&occasion, &contact(locale), AT).unwrap();
                shown.push_str(&format!(
                    "--- {locale} {}\n{}\n{}\n",
                    occasion.template().name(),
                    made.subject,
                    made.body
                ));
            }
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn no_subject_tells_a_name() {
        for locale in ["en", "de"] {
            for occasion in occasions() {
                let made = render(&occasion, &contact(locale), AT).unwrap();
                assert!(!made.subject.contains("Ada") && !made.subject.contains('\n'), "{}", made.subject);
                assert!(made.body.contains(NAME), "a plain text is not escaped");
                assert!(!made.subject.contains("042042"), "a code is not for the lock screen");
            }
        }
    }

    #[test]
    fn a_language_falls_back_to_its_mother_and_then_to_the_default() {
        let subject = |locale: &str| render(&Occasion::Registered, &contact(locale), AT).unwrap().subject;
        assert_eq!([subject("de-AT"), subject("DE")], [subject("de"), subject("de")]);
        assert_eq!([subject("fr"), subject("")], [subject("en"), subject("en")]);
        assert_ne!(subject("de"), subject("en"));
    }

    #[test]
    fn every_template_has_the_default_language() {
        for template in Template::ALL {
            assert_eq!(find(*template, DEFAULT_LOCALE).unwrap().locale, DEFAULT_LOCALE);
        }
    }

    #[test]
    fn html_would_be_escaped_and_an_unknown_name_is_an_error() {
        let values = minijinja::context! { display_name => NAME };
        let render = |name: &str, source: &str| environment().render_named_str(name, source, values.clone());
        assert_eq!(render("a.html", "{{ display_name }}").unwrap(), "Ada &lt;b&gt;Lovelace&lt;&#x2f;b&gt;");
        assert!(render("a.txt", "{{ dislay_name }}").is_err());
    }
}
