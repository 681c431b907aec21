//! A period told in numbers, on a page and as a table.

use fraud::report::{Judged, Report};
use fraud::{Action, Label};

use crate::world::{DAY, HOUR, START, payment};

/// Ten attempts of one day; the scores of the two frauds are among the highest.
fn day() -> Vec<Judged> {
    let one = |(id, action, score_ppm, label): (u64, Action, u32, Option<Label>)| Judged {
        attempt: payment(
            id.into(),
            START + id * HOUR,
            1,
            2,
            1_000 * i64::try_from(id).unwrap_or(0),
        ),
        action,
        score_ppm,
        rules: if action == Action::Allow {
            Vec::new()
        } else {
            vec!["<large>, \"new\"".to_owned()]
        },
        label,
    };
    let (fraud, genuine) = (Some(Label::Fraud), Some(Label::Genuine));
    [
        (1, Action::Allow, 10, None),
        (2, Action::Deny, 900_000, fraud),
        (3, Action::Deny, 800_000, genuine),
        (4, Action::Allow, 700_000, fraud),
        (5, Action::Challenge, 600_000, None),
        (6, Action::Allow, 20, None),
        (7, Action::Allow, 20, None),
        (8, Action::Allow, 20, None),
        (9, Action::Allow, 20, None),
        (30, Action::Deny, 999_999, fraud),
    ]
    .map(one)
    .to_vec()
}

#[test]
fn caught_missed_and_disturbed_are_told_apart() {
    let report = Report::of((START, START + DAY), &day(), Some(0.05));
    let total = report.total;
    assert_eq!(
        (total.all.count, report.labelled),
        (9, 3),
        "the last lies outside"
    );
    assert_eq!((total.caught.count, total.caught.amount), (1, 2_000));
    assert_eq!((total.missed.count, total.missed.amount), (1, 4_000));
    assert_eq!((total.disturbed.count, total.disturbed.amount), (2, 8_000));
    assert_eq!(total.falsely_declined.amount, 3_000);
    assert_eq!(
        (report.precision, report.recall),
        (Some(1.0 / 3.0), Some(0.5))
    );
    // Of fourteen pairs of fraud and genuine attempt one is the wrong way round.
    assert_eq!(report.auc, Some(13.0 / 14.0));
    assert!(report.ap.is_some_and(|ap| (ap - 5.0 / 6.0).abs() < 1e-12));
    assert_eq!(report.by_rule["<large>, \"new\""].stopped.count, 3);
    assert_eq!(report.by_hour[4].missed.count, 1);
    let ends = |points: &[fraud::report::Point]| points.last().map(|point| (point.x, point.y));
    assert_eq!(ends(&report.roc), Some((1.0, 1.0)));
    assert_eq!(ends(&report.precision_recall), Some((1.0, 2.0 / 9.0)));
}

#[test]
fn the_page_stands_alone_and_nothing_in_it_is_taken_for_markup() {
    let report = Report::of((START, START + DAY), &day(), None);
    let page = report.to_html("2023-11-14");
    assert!(page.contains("<svg") && page.contains("2023-11-14"));
    assert!(page.contains("&lt;large&gt;, &quot;new&quot;") && !page.contains("<large>"));
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));

    let table = report.to_csv();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let names: Vec<String> = rows
        .records()
        .map(|row| row.expect("each line has as many cells")[1].to_owned())
        .collect();
    assert_eq!(names.len(), 1 + 3 + 1 + 24 + 1);
    assert!(names.contains(&"'<large>, \"new\"".to_owned()), "{names:?}");

    let json: serde_json::Value = serde_json::from_str(&report.to_json()).expect("it is JSON");
    assert_eq!(json["total"]["missed"]["amount"], 4_000);
}

#[test]
fn a_period_without_anything_is_told_as_such() {
    let report = Report::of((START, START + DAY), &[], None);
    assert_eq!(
        (report.total.all.count, report.precision, report.auc),
        (0, None, None)
    );
    assert!(report.roc.is_empty() && report.to_html("never").contains("not known"));
}
