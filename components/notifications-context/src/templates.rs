//! The texts: embedded files in versions and languages, and their rendering.
//!
//! **Shape** `templates/<name>/<version>/<locale>.{subject.txt,body.html}`; the first version of the older ones has a
//! `body.txt` instead. What is filled into a name that ends in `.html` is escaped, into one that ends in `.txt` is not.
//! A published version is never edited: a change is a new version, so that what was sent can be rendered again.
//! **Invariant** subjects hold no personal data: lists, indexes and short messages repeat them.

use crate::domain::{Contact, Occasion, Template, TextRef};
use crate::plain_text::plain_text;
use ambient::Timestamp;
use minijinja::value::Value;
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
    is_html: bool,
}

/// Names the files of one template and version in each language; `txt` or `html` says how its body is written.
macro_rules! texts {
    ($($template:ident $name:literal $version:literal $kind:literal [$($locale:literal)*])*) => {
        const TEXTS: &[Text] = &[$($(Text {
            template: Template::$template,
            version: $version,
            locale: $locale,
            subject: include_str!(concat!("../templates/", $name, "/", $version, "/", $locale, ".subject.txt")),
            body: include_str!(concat!("../templates/", $name, "/", $version, "/", $locale, ".body.", $kind)),
            is_html: matches!($kind.as_bytes(), b"html"),
        },)*)*];
    };
}

texts! {
    Welcome "welcome" 1 "txt" ["en" "de"]
    Welcome "welcome" 2 "html" ["en" "de"]
    PaymentReceipt "payment-receipt" 1 "txt" ["en" "de"]
    PaymentReceipt "payment-receipt" 2 "html" ["en" "de"]
    PaymentFailed "payment-failed" 1 "txt" ["en" "de"]
    PaymentFailed "payment-failed" 2 "html" ["en" "de"]
    VerifyEmail "code-verify-email" 1 "txt" ["en" "de"]
    VerifyEmail "code-verify-email" 2 "html" ["en" "de"]
    ResetPassword "code-reset-password" 1 "txt" ["en" "de"]
    ResetPassword "code-reset-password" 2 "html" ["en" "de"]
    ChangeEmail "code-change-email" 1 "txt" ["en" "de"]
    ChangeEmail "code-change-email" 2 "html" ["en" "de"]
    ConfirmNewEmail "code-confirm-new-email" 1 "txt" ["en" "de"]
    ConfirmNewEmail "code-confirm-new-email" 2 "html" ["en" "de"]
    PasswordChanged "password-changed" 1 "txt" ["en" "de"]
    PasswordChanged "password-changed" 2 "html" ["en" "de"]
    EmailChanged "email-changed" 1 "txt" ["en" "de"]
    EmailChanged "email-changed" 2 "html" ["en" "de"]
    SecondFactorChanged "second-factor-changed" 1 "txt" ["en" "de"]
    SecondFactorChanged "second-factor-changed" 2 "html" ["en" "de"]
    PaymentRefunded "payment-refunded" 1 "txt" ["en" "de"]
    PaymentRefunded "payment-refunded" 2 "html" ["en" "de"]
    RefundFailed "refund-failed" 1 "txt" ["en" "de"]
    RefundFailed "refund-failed" 2 "html" ["en" "de"]
    DisputeOpened "dispute-opened" 1 "txt" ["en" "de"]
    DisputeOpened "dispute-opened" 2 "html" ["en" "de"]
    DisputeWon "dispute-won" 1 "txt" ["en" "de"]
    DisputeWon "dispute-won" 2 "html" ["en" "de"]
    DisputeLost "dispute-lost" 1 "txt" ["en" "de"]
    DisputeLost "dispute-lost" 2 "html" ["en" "de"]
    PayoutPaid "payout-paid" 1 "txt" ["en" "de"]
    PayoutPaid "payout-paid" 2 "html" ["en" "de"]
    PayoutFailed "payout-failed" 1 "txt" ["en" "de"]
    PayoutFailed "payout-failed" 2 "html" ["en" "de"]
    WebhookGone "webhook-gone" 1 "html" ["en" "de"]
    WebhookFailing "webhook-failing" 1 "html" ["en" "de"]
    VerifyPhone "code-verify-phone" 1 "html" ["en" "de"]
    Digest "digest" 1 "html" ["en" "de"]
}

/// The frame of every letter, by language.
const LAYOUTS: &[(&str, &str)] =
    &[("en", include_str!("../templates/layout/1/en.html")), ("de", include_str!("../templates/layout/1/de.html"))];

/// The same for plain letters, where there is a way out.
const PLAIN_LAYOUTS: &[(&str, &str)] =
    &[("en", include_str!("../templates/layout/1/en.txt")), ("de", include_str!("../templates/layout/1/de.txt"))];

/// The page behind the link of letters that nobody has to get, by language.
const UNSUBSCRIBE_PAGES: &[(&str, &str)] = &[
    ("en", include_str!("../templates/unsubscribe-page/1/en.html")),
    ("de", include_str!("../templates/unsubscribe-page/1/de.html")),
];

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
    /// Which text.
    pub text_ref: TextRef,
    /// One line.
    pub subject: String,
    /// The text, plain.
    pub body: String,
    /// The same as HTML, without a frame; versions of before had none.
    pub html: Option<String>,
}

impl Rendered {
    /// What a telephone shows: the subject under our name. Texts whose body is made for telephones say all in it.
    pub fn sms(&self) -> String {
        if self.text_ref.template == Template::VerifyPhone.name() {
            return self.body.clone();
        }
        format!("Spindrift: {}", self.subject)
    }
}

/// Makes the text of an occasion in the language of the recipient.
///
/// # Errors
/// [`TemplateError`], which the tests of this file rule out for the embedded texts.
pub fn render(occasion: &Occasion, contact: &Contact, occurred_at: Timestamp) -> Result<Rendered, TemplateError> {
    let text = find(occasion.template(), None, &contact.locale)?;
    fill(text, values_of(occasion, text.locale, &contact.display_name, occurred_at))
}

/// Makes one version of a text, as a preview wants it.
///
/// # Errors
/// [`TemplateError`], also where there is no such version.
pub fn render_version(
    occasion: &Occasion,
    version: Option<u16>,
    contact: &Contact,
    occurred_at: Timestamp,
) -> Result<Rendered, TemplateError> {
    let text = find(occasion.template(), version, &contact.locale)?;
    fill(text, values_of(occasion, text.locale, &contact.display_name, occurred_at))
}

/// Makes the summary of several messages, each by its day and its subject.
///
/// # Errors
/// [`TemplateError`].
pub fn render_digest(items: &[(Timestamp, String)], contact: &Contact) -> Result<Rendered, TemplateError> {
    render_digest_version(items, None, contact)
}

/// The same in one version.
///
/// # Errors
/// [`TemplateError`].
pub fn render_digest_version(
    items: &[(Timestamp, String)],
    version: Option<u16>,
    contact: &Contact,
) -> Result<Rendered, TemplateError> {
    let text = find(Template::Digest, version, &contact.locale)?;
    let shown: Value =
        items.iter().map(|(at, subject)| context! { day => day(*at), subject => subject.as_str() }).collect();
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    fill(text, context! { display_name => contact.display_name.as_str(), items => shown, count })
}

/// The whole letter as HTML: the body in its frame, with the way out where there is one.
///
/// # Errors
/// [`TemplateError`].
pub fn in_layout(html: &str, subject: &str, locale: &str, unsubscribe: Option<&str>) -> Result<String, TemplateError> {
    let body = Value::from_safe_string(html.to_owned());
    page("layout.html", LAYOUTS, locale, context! { subject, body, unsubscribe })
}

/// The whole letter as plain text, with the way out where there is one.
///
/// # Errors
/// [`TemplateError`].
pub fn in_plain_layout(body: &str, locale: &str, unsubscribe: Option<&str>) -> Result<String, TemplateError> {
    match unsubscribe {
        Some(unsubscribe) => page("layout.txt", PLAIN_LAYOUTS, locale, context! { body, unsubscribe }),
        None => Ok(body.to_owned()),
    }
}

/// The page that asks whether somebody wants no more of a kind, or says that it is done.
///
/// # Errors
/// [`TemplateError`].
pub fn unsubscribe_page(kind: &str, locale: &str, done: bool) -> Result<String, TemplateError> {
    page("unsubscribe-page.html", UNSUBSCRIBE_PAGES, locale, context! { kind, done })
}

fn page(
    template: &'static str,
    pages: &'static [(&'static str, &'static str)],
    locale: &str,
    values: Value,
) -> Result<String, TemplateError> {
    let found = languages(locale)
        .find_map(|wanted| pages.iter().find(|(locale, _)| locale.eq_ignore_ascii_case(wanted)))
        .ok_or(TemplateError::Missing { template })?;
    environment().render_named_str(template, found.1, values).map_err(|error| TemplateError::Render {
        template,
        locale: found.0,
        kind: error.kind(),
    })
}

/// All templates with their versions and the languages of the newest, by name.
pub fn catalogue() -> Vec<(Template, Vec<u16>, Vec<&'static str>)> {
    let mut all: Vec<_> = Template::ALL
        .iter()
        .map(|template| {
            let own = TEXTS.iter().filter(|text| text.template == *template);
            let mut versions: Vec<u16> = own.clone().map(|text| text.version).collect();
            versions.sort_unstable();
            versions.dedup();
            let newest = versions.last().copied();
            let locales = own.filter(|text| Some(text.version) == newest).map(|text| text.locale).collect();
            (*template, versions, locales)
        })
        .collect();
    all.sort_by_key(|(template, _, _)| template.name());
    all
}

fn fill(text: &'static Text, values: Value) -> Result<Rendered, TemplateError> {
    let environment = environment();
    let fill = |suffix: &str, source: &str| {
        let name = format!("{}/{}/{}.{suffix}", text.template.name(), text.version, text.locale);
        environment.render_named_str(&name, source, values.clone()).map_err(|error| TemplateError::Render {
            template: text.template.name(),
            locale: text.locale,
            kind: error.kind(),
        })
    };
    let subject = one_line(&fill("subject.txt", text.subject)?);
    let (body, html) = if text.is_html {
        let html = fill("body.html", text.body)?;
        (plain_text(&html), Some(html.trim_end().to_owned()))
    } else {
        (fill("body.txt", text.body)?.trim_end().to_owned(), None)
    };
    let text_ref =
        TextRef { template: text.template.name().to_owned(), version: text.version, locale: text.locale.to_owned() };
    Ok(Rendered { text_ref, subject, body, html })
}

fn values_of(occasion: &Occasion, locale: &str, display_name: &str, occurred_at: Timestamp) -> Value {
    let (mut payment_id, mut captured, mut amount) = (None, None, None);
    let (mut description, mut failure_code, mut one_time_code, mut payout) = (None, None, None, None);
    let mut endpoint_id = None;
    match occasion {
        Occasion::Registered | Occasion::PasswordChanged | Occasion::EmailChanged | Occasion::SecondFactorChanged => {}
        Occasion::CodeIssued { code, .. } | Occasion::PhoneNamed { code } => one_time_code = Some(code.clone()),
        Occasion::PaymentCaptured { payment_id: id, captured: taken, description: words } => {
            payment_id = Some(id.to_string());
            captured = Some(written(*taken, locale));
            description = words.clone();
        }
        Occasion::PaymentFailed { payment_id: id, amount: asked, failure_code: code } => {
            payment_id = Some(id.to_string());
            amount = Some(written(*asked, locale));
            failure_code = code.clone();
        }
        Occasion::PaymentRefunded { payment_id: id, captured: taken, refunded }
        | Occasion::RefundFailed { payment_id: id, captured: taken, refunded } => {
            payment_id = Some(id.to_string());
            captured = Some(written(*taken, locale));
            amount = Some(written(*refunded, locale));
        }
        Occasion::Disputed { payment_id: id, captured: taken, .. } => {
            payment_id = Some(id.to_string());
            captured = Some(written(*taken, locale));
        }
        Occasion::Payout { payout_id, amount: paid, .. } => {
            payout = Some(payout_id.to_string());
            amount = Some(written(*paid, locale));
        }
        Occasion::WebhooksStopped { endpoint_id: id, .. } => endpoint_id = Some(id.to_string()),
    }
    // Each name is always there, empty where the occasion has no such thing: a misspelt name is an error, an absent
    // value is not.
    context! {
        display_name,
        occurred_on => day(occurred_at), payment_id, captured, amount, description, failure_code,
        code => one_time_code, payout_id => payout, endpoint_id,
    }
}

/// The day of a moment, in UTC. **Shape** `2026-01-31`.
fn day(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

/// The wanted language, its mother (`de` for `de-AT`), and the default.
fn languages(locale: &str) -> impl Iterator<Item = &str> {
    let mother = locale.split(['-', '_']).next().unwrap_or_default();
    [locale, mother, DEFAULT_LOCALE].into_iter()
}

/// The text of a template, in one version or the newest, in the wanted language, in its mother language, or in the
/// default.
fn find(template: Template, version: Option<u16>, locale: &str) -> Result<&'static Text, TemplateError> {
    languages(locale)
        .find_map(|wanted| {
            TEXTS
                .iter()
                .filter(|text| text.template == template && text.locale.eq_ignore_ascii_case(wanted))
                .filter(|text| version.is_none_or(|version| version == text.version))
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
    use proptest::prelude::*;
    use users_wire::CodePurpose;
    use webhooks_wire::EndpointId;

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
            Occasion::PhoneNamed { code: "042042".into() },
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
            Occasion::WebhooksStopped { endpoint_id: EndpointId::derived(0, &[b"whe"]), gone: true },
            Occasion::WebhooksStopped { endpoint_id: EndpointId::derived(0, &[b"whe"]), gone: false },
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
                let is_for_telephones = occasion.template() == Template::VerifyPhone;
                assert!(is_for_telephones || made.body.contains(NAME), "a plain text is not escaped");
                assert!(!made.subject.contains("042042"), "a code is not for the lock screen");
                assert_eq!(made.sms().contains("042042"), is_for_telephones);
            }
        }
    }

    #[test]
    fn a_version_that_was_published_says_what_it_said_and_the_newest_says_the_same_as_html() {
        for locale in ["en", "de"] {
            let rewritten = |template| TEXTS.iter().any(|text| text.template == template && text.version == 2);
            for occasion in occasions().iter().filter(|occasion| rewritten(occasion.template())) {
                let first = render_version(occasion, Some(1), &contact(locale), AT).unwrap();
                let newest = render(occasion, &contact(locale), AT).unwrap();
                assert_eq!((first.text_ref.version, first.html), (1, None));
                assert_eq!(newest.text_ref.version, 2);
                assert_eq!((first.subject, first.body), (newest.subject, newest.body));
                assert!(newest.html.unwrap().contains("Ada &lt;b&gt;Lovelace&lt;&#x2f;b&gt;"));
            }
        }
        assert!(render_version(&Occasion::Registered, Some(9), &contact("en"), AT).is_err());
    }

    #[test]
    fn a_summary_names_each_message_in_the_language_of_its_person() {
        let items = vec![(AT, "Receipt: <1>".to_owned()), (AT, "Receipt: 2".to_owned())];
        let made = render_digest(&items, &contact("de-AT")).unwrap();
        assert_eq!(
            (made.subject.as_str(), made.text_ref.locale.as_str()),
            ("Deine Zusammenfassung: 2 Nachrichten", "de")
        );
        assert!(made.body.contains("- 2026-01-01: Receipt: <1>\n- 2026-01-01: Receipt: 2"), "{}", made.body);
        assert!(made.html.unwrap().contains("Receipt: &lt;1&gt;"));
    }

    #[test]
    fn a_letter_has_a_way_out_where_it_may_be_turned_off() {
        let with = in_layout("<p>x</p>", "A <b>", "de-CH", Some("https://x.example/a?b&c")).unwrap();
        assert!(with.contains("<title>A &lt;b&gt;</title>") && with.contains("<p>x</p>"), "{with}");
        assert!(with.contains("href=\"https:&#x2f;&#x2f;x.example&#x2f;a?b&amp;c\"") && with.contains("lang=\"de\""));
        assert!(!in_layout("<p>x</p>", "A", "fr", None).unwrap().contains("<hr>"));
        let plain = in_plain_layout("Ada & <b>", "de", Some("https://x.example/a&b")).unwrap();
        assert!(plain.starts_with("Ada & <b>\n\n-- \n") && plain.ends_with("\nhttps://x.example/a&b"), "{plain}");
        assert_eq!(in_plain_layout("x", "de", None).unwrap(), "x");
        let page = unsubscribe_page("payment_receipt", "en", false).unwrap();
        assert!(page.contains("<form method=\"post\">") && page.contains("payment_receipt"));
        assert!(!unsubscribe_page("payment_receipt", "de", true).unwrap().contains("<form"));
    }

    #[test]
    fn the_catalogue_has_every_template_once() {
        let all = catalogue();
        assert_eq!(all.len(), Template::ALL.len());
        assert!(all.iter().all(|(_, versions, locales)| !versions.is_empty() && locales.contains(&DEFAULT_LOCALE)));
    }

    proptest! {
        /// Whatever people call themselves and write: no tag of theirs gets into the letter, no line of theirs into its
        /// head, and the plain text says what they said.
        #[test]
        fn hostile_values_stay_values(name in ".{0,40}", words in ".{1,80}", locale in "[a-zA-Z_-]{0,12}") {
            let payment_id = PaymentId::derived(0, &[b"p"]);
            let captured = Money::new(1099, "EUR".parse().unwrap()).unwrap();
            let occasion = Occasion::PaymentCaptured { payment_id, captured, description: Some(words.clone()) };
            let contact = Contact { display_name: name.clone(), ..contact(&locale) };
            let made = render(&occasion, &contact, AT).unwrap();
            let html = made.html.unwrap();
            let plain = render(&Occasion::PaymentCaptured { payment_id, captured, description: Some("x".into()) },
                &Contact { display_name: "x".into(), ..contact.clone() }, AT).unwrap().html.unwrap();
            prop_assert_eq!(html.matches('<').count(), plain.matches('<').count());
            prop_assert_eq!(html.matches('>').count(), plain.matches('>').count());
            prop_assert!(!made.subject.chars().any(char::is_control));
            let squeezed = |text: &str| {
                text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
                    .collect::<Vec<_>>().join(" ")
            };
            prop_assert!(squeezed(&made.body).contains(&squeezed(&words)), "{} lacks {}", made.body, words);
            prop_assert!(in_layout(&html, &made.subject, &locale, Some(&words)).is_ok());
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
            assert_eq!(find(*template, None, DEFAULT_LOCALE).unwrap().locale, DEFAULT_LOCALE);
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
