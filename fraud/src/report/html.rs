//! The report as one page that needs nothing else.

use std::fmt::Write as _;

use super::{Outcomes, Report, Sum, chart};

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}\
th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #8886;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}figure{display:inline-block;margin:1rem 1rem 0 0;width:22rem;max-width:100%}\
svg{width:100%;height:auto}text{font-size:10px;fill:currentColor}.axis{fill:none;stroke:currentColor;opacity:.6}\
.line{fill:none;stroke:#1769aa;stroke-width:2}.all{fill:#8888}.part{fill:#c0392b}";

impl Report {
    /// The report as a page; `period` says in words which time it is of.
    pub fn to_html(&self, period: &str) -> String {
        let mut out = String::new();
        let period = escaped(period);
        let _ = write!(
            out,
            "<!doctype html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width,initial-scale=1\">\
             <title>Fraud report, {period}</title><style>{STYLE}</style><h1>Fraud report</h1><p>{period}. Amounts are in \
             minor units of the currency in which risk is measured. What nobody has labelled counts as genuine.</p>"
        );
        out.push_str(&self.summary());
        out.push_str(&self.charts());
        for (group, title) in [
            ("action", "By decision"),
            ("kind", "By kind"),
            ("rule", "By rule that held"),
            ("hour", "By hour (UTC)"),
        ] {
            out.push_str(&self.table(group, title));
        }
        out.push_str("</html>\n");
        out
    }

    fn summary(&self) -> String {
        let Outcomes {
            all,
            stopped,
            caught,
            missed,
            disturbed,
            falsely_declined,
        } = self.total;
        let number = |value: Option<f64>| {
            value.map_or("not known".to_owned(), |value| format!("{value:.4}"))
        };
        let percent = |value: Option<f64>| {
            value.map_or("not known".to_owned(), |value| {
                format!("{:.1}%", 100.0 * value)
            })
        };
        let lines = [
            ("attempts", money(all)),
            ("labelled", self.labelled.to_string()),
            ("stopped", money(stopped)),
            ("frauds caught", money(caught)),
            ("frauds missed", money(missed)),
            ("genuine attempts disturbed", money(disturbed)),
            ("of them refused", money(falsely_declined)),
            ("precision", percent(self.precision)),
            ("recall", percent(self.recall)),
            ("recall by money", percent(self.recall_by_amount)),
            ("AUC of the score", number(self.auc)),
            ("average precision of the score", number(self.ap)),
            (
                "drift of scores, first half to second (PSI)",
                number(Some(self.drift)),
            ),
            ("drift since training (PSI)", number(self.model_drift)),
        ];
        let mut out = String::from("<table><caption>In short</caption>");
        for (name, value) in lines {
            let _ = write!(out, "<tr><th scope=row>{name}</th><td>{value}</td></tr>");
        }
        out + "</table>"
    }

    fn charts(&self) -> String {
        let hours = |part: fn(&Outcomes) -> (u64, u64)| -> Vec<(u64, u64)> {
            self.by_hour.iter().map(part).collect()
        };
        [
            chart::curve(
                "Receiver operating characteristic",
                ["genuine attempts stopped", "frauds stopped"],
                &self.roc,
            ),
            chart::curve(
                "Precision and recall",
                ["recall", "precision"],
                &self.precision_recall,
            ),
            chart::bars(
                "Stopped among attempts",
                ["hour (UTC)", "attempts"],
                &hours(|it| (it.all.count, it.stopped.count)),
            ),
            chart::bars(
                "Missed among frauds",
                ["hour (UTC)", "frauds"],
                &hours(|it| (it.caught.count + it.missed.count, it.missed.count)),
            ),
        ]
        .concat()
    }

    fn table(&self, group: &str, title: &str) -> String {
        let mut out = format!(
            "<table><caption>{title}</caption><tr><th scope=col>name</th><th scope=col>attempts</th>\
             <th scope=col>stopped</th><th scope=col>caught</th><th scope=col>missed</th>\
             <th scope=col>disturbed</th><th scope=col>refused wrongly</th></tr>"
        );
        for (_, name, it) in self.lines().filter(|(own, ..)| *own == group) {
            let _ = write!(out, "<tr><th scope=row>{}</th>", escaped(&name));
            for sum in [
                it.all,
                it.stopped,
                it.caught,
                it.missed,
                it.disturbed,
                it.falsely_declined,
            ] {
                let _ = write!(out, "<td>{}</td>", money(sum));
            }
            out.push_str("</tr>");
        }
        out + "</table>"
    }
}

fn money(sum: Sum) -> String {
    format!("{} ({})", sum.count, sum.amount)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
