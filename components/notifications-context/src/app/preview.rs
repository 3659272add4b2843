//! Templates with sample values: what an operator sees before anybody else does.

use crate::domain::{Contact, DisputeTurn, Occasion, Template};
use crate::templates::{
    DEFAULT_LOCALE, Rendered, TemplateError, catalogue, in_layout, render_digest_version, render_version,
};
use crate::wire::{PreviewAnswer, TemplateLine, TemplatesAnswer};
use ambient::Timestamp;
use events::EventVersion;
use ids::{PaymentId, UserId};
use money::{Currency, Money};
use payments_wire::PayoutId;
use users_wire::CodePurpose;
use webhooks_wire::EndpointId;

/// All templates.
pub fn templates() -> TemplatesAnswer {
    let items = catalogue().into_iter().map(|(template, versions, locales)| TemplateLine {
        name: template.name().to_owned(),
        versions,
        locales: locales.into_iter().map(str::to_owned).collect(),
    });
    TemplatesAnswer { items: items.collect() }
}

/// A template in one version, or the newest, and one language, filled with sample values; the sample's name tries what
/// hostile names try.
///
/// # Errors
/// [`TemplateError::Missing`] where there is no such version.
pub fn preview(
    template: Template,
    version: Option<u16>,
    locale: Option<&str>,
    now: Timestamp,
) -> Result<PreviewAnswer, TemplateError> {
    let contact = Contact {
        user_id: UserId::derived(0, &[b"sample"]),
        email: "ada@example.com".to_owned(),
        display_name: "Ada <b>Lovelace</b>".to_owned(),
        locale: locale.unwrap_or(DEFAULT_LOCALE).to_owned(),
        version: EventVersion { epoch: 0, number: 0 },
    };
    let made = match sample(template) {
        Some(occasion) => render_version(&occasion, version, &contact, now)?,
        None => {
            let items = ["Receipt: 10.99 EUR", "Receipt: 4.50 EUR"].map(|subject| (now, subject.to_owned()));
            render_digest_version(&items, version, &contact)?
        }
    };
    let sms = made.sms();
    let Rendered { text_ref, subject, body, html } = made;
    let html = html
        .map(|html| in_layout(&html, &subject, &text_ref.locale, Some("https://spindrift.example/unsubscribe")))
        .transpose()?;
    Ok(PreviewAnswer {
        template: text_ref.template,
        version: text_ref.version,
        locale: text_ref.locale,
        subject,
        text: body,
        html,
        sms,
    })
}

/// An occasion that a template tells; none for summaries, which tell of many.
fn sample(template: Template) -> Option<Occasion> {
    let payment_id = PaymentId::derived(0, &[b"sample"]);
    let payout_id = PayoutId::derived(0, &[b"sample"]);
    let endpoint_id = EndpointId::derived(0, &[b"sample"]);
    let captured = Money::new(1099, "EUR".parse::<Currency>().ok()?).ok()?;
    let code = || "042042".to_owned();
    let issued = |purpose| Occasion::CodeIssued { purpose, code: code() };
    let disputed = |turn| Occasion::Disputed { payment_id, captured, turn };
    Some(match template {
        Template::Welcome => Occasion::Registered,
        Template::PaymentReceipt => {
            Occasion::PaymentCaptured { payment_id, captured, description: Some("two books & a \"map\"".to_owned()) }
        }
        Template::PaymentFailed => {
            Occasion::PaymentFailed { payment_id, amount: captured, failure_code: Some("card_declined".to_owned()) }
        }
        Template::VerifyEmail => issued(CodePurpose::VerifyEmail),
        Template::ResetPassword => issued(CodePurpose::ResetPassword),
        Template::ChangeEmail => issued(CodePurpose::ChangeEmail),
        Template::ConfirmNewEmail => issued(CodePurpose::ConfirmNewEmail),
        Template::PasswordChanged => Occasion::PasswordChanged,
        Template::EmailChanged => Occasion::EmailChanged,
        Template::SecondFactorChanged => Occasion::SecondFactorChanged,
        Template::PaymentRefunded => Occasion::PaymentRefunded { payment_id, captured, refunded: captured },
        Template::RefundFailed => Occasion::RefundFailed { payment_id, captured, refunded: captured },
        Template::DisputeOpened => disputed(DisputeTurn::Opened),
        Template::DisputeWon => disputed(DisputeTurn::Won),
        Template::DisputeLost => disputed(DisputeTurn::Lost),
        Template::PayoutPaid => Occasion::Payout { payout_id, amount: captured, arrived: true },
        Template::PayoutFailed => Occasion::Payout { payout_id, amount: captured, arrived: false },
        Template::WebhookGone => Occasion::WebhooksStopped { endpoint_id, gone: true },
        Template::WebhookFailing => Occasion::WebhooksStopped { endpoint_id, gone: false },
        Template::VerifyPhone => Occasion::PhoneNamed { code: code() },
        Template::Digest => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_seen_in_every_version_and_language() {
        let now = Timestamp::from_unix_ms(1_767_225_600_000);
        for line in templates().items {
            let template = Template::from_name(&line.name).unwrap();
            for version in line.versions {
                for locale in ["en", "de-AT", "fr", ""] {
                    let shown = preview(template, Some(version), Some(locale), now).unwrap();
                    assert_eq!((shown.template.as_str(), shown.version), (line.name.as_str(), version));
                    assert!(!shown.html.is_some_and(|html| html.contains("<b>Lovelace")));
                    let language = if locale.starts_with("de") { "de" } else { "en" };
                    assert_eq!(shown.locale, language, "{} {locale}", line.name);
                }
            }
            assert!(preview(template, Some(99), None, now).is_err());
        }
    }
}
