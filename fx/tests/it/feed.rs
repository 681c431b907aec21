//! Reading prices: the ECB's two formats and a stream, whole and broken.

use fx::{
    Currencies, Currency, EcbCsv, EcbXml, Feed, FeedError, NdjsonFeed, Reading, Tick, Timestamp,
};
use proptest::prelude::*;

use crate::{CASES, rate};

const CSV: &str = include_str!("../fixtures/eurofxref_excerpt.csv");
const XML: &str = include_str!("../fixtures/eurofxref_excerpt.xml");

fn fixing(date: &str, code: &str, text: &str) -> Tick {
    let rate = rate(text);
    let quote = Currency::historic(code).unwrap();
    let time = Timestamp::parse(&format!("{date}T13:15:00Z")).unwrap();
    Tick {
        base: Currency::EUR,
        quote,
        bid: rate,
        ask: rate,
        time,
    }
}

#[test]
fn csv_history_is_read_oldest_first_with_gaps_left_open() {
    let Reading { ticks, ignored } = EcbCsv.read(CSV).unwrap();
    assert_eq!(ignored, [""; 0]);
    assert!(ticks.is_sorted_by_key(|tick| (tick.time, tick.quote)));
    // As many as there are numbers in the file.
    let numbers = CSV.lines().skip(1).flat_map(|line| line.split(',').skip(1));
    assert_eq!(
        ticks.len(),
        numbers
            .filter(|field| !field.is_empty() && *field != "N/A")
            .count()
    );
    for (date, code, text) in [
        ("2026-10-30", "CNY", "7.4326"),
        ("2026-10-30", "ISK", "136"),
        ("2026-10-30", "IDR", "20275.17"),
        ("1999-01-04", "USD", "1.1789"),
        ("2004-12-31", "TRL", "1836200"),
        ("2022-12-30", "HRK", "7.5365"),
    ] {
        assert!(ticks.contains(&fixing(date, code, text)), "{date} {code}");
    }
    let icelandic = |tick: &&Tick| tick.quote.code() == "ISK";
    let days: Vec<String> = ticks
        .iter()
        .filter(icelandic)
        .map(|tick| tick.time.day().to_string())
        .collect();
    let around_the_gap = ["2008-12-09", "2018-02-01"].map(str::to_owned);
    assert!(
        days.windows(2).any(|pair| pair == around_the_gap),
        "{days:?}"
    );
}

#[test]
fn xml_and_csv_say_the_same() {
    let header = CSV.lines().next().unwrap();
    let days: Vec<&str> = CSV.lines().skip(1).take(3).collect();
    let csv = EcbCsv
        .read(&format!("{header}\n{}\n", days.join("\n")))
        .unwrap();
    let xml = EcbXml.read(XML).unwrap();
    assert_eq!(xml, csv);
    assert_eq!(csv.ticks.len(), 3 * 29);
    // The daily file uses other quotes, line feeds and blanks.
    let daily = "<gesmes:Envelope xmlns:gesmes='http://www.gesmes.org/xml/2002-08-01'>\n\t<Cube>\n\
         \t\t<Cube time='2026-10-30'>\n\t\t\t<Cube currency='CNY' rate='7.4326'/>\n\t\t</Cube>\n\t</Cube>\n\
         </gesmes:Envelope>";
    assert_eq!(
        EcbXml.read(daily).unwrap().ticks,
        [fixing("2026-10-30", "CNY", "7.4326")]
    );
}

#[test]
fn a_new_currency_is_reported_and_stops_nothing() {
    let csv = "Date,USD,ABC,\n2026-10-30,1.1172,3.5,\n2026-10-29,1.113,3.4,\n";
    let reading = EcbCsv.read(csv).unwrap();
    assert_eq!(reading.ignored, ["ABC"]);
    assert_eq!(
        reading.ticks,
        [
            fixing("2026-10-29", "USD", "1.113"),
            fixing("2026-10-30", "USD", "1.1172")
        ]
    );
    let xml = "<Cube><Cube time='2026-10-30'><Cube currency='ABC' rate='1'/><Cube currency='USD' rate='1.1172'/></Cube></Cube>";
    let reading = EcbXml.read(xml).unwrap();
    assert_eq!(reading.ignored, ["ABC"]);
    assert_eq!(reading.ticks, [fixing("2026-10-30", "USD", "1.1172")]);
}

#[test]
fn a_broken_file_is_refused_whole_and_the_line_named() {
    let csv = |text: &str, words: &str| refused(EcbCsv.read(text), words);
    csv("", "no rates at all");
    csv("Date,USD,\n", "no rates at all");
    csv("Date,USD,\n2026-10-30,N/A,\n", "no rates at all");
    csv(
        "<html>not found</html>",
        "line 1: the first column is not Date",
    );
    csv(
        "Date,USD,\n2026-10-30,1.1,\n2026-10-3",
        "line 3: \"2026-10-3\" is not a date",
    );
    csv(
        "Date,USD,JPY,\n2026-10-30,1.1,175,\n2026-10-29,1.1",
        "line 3: 1 rates after the date, the header has 2",
    );
    csv(
        "Date,USD,\n2026-10-30,1.1,2.2,\n",
        "line 2: 2 rates after the date, the header has 1",
    );
    csv(
        "Date,USD,\n\n2026-10-30,-1.1,\n",
        "line 3: USD: \"-1.1\" is not a rate",
    );
    csv(
        "Date,USD,\n2026-10-30,0,\n",
        "line 2: USD: \"0\" is out of range",
    );
    csv(
        "Date,USD,\n2026-10-30,,\n",
        "line 2: USD: \"\" is not a rate",
    );
    csv(&"x".repeat((32 << 20) + 1), "more than the 33554432");

    let xml = |text: &str, words: &str| refused(EcbXml.read(text), words);
    xml("", "no rates at all");
    xml("<html><body/></html>", "no rates at all");
    xml(
        "<Cube>\n<Cube time='2026-10-30'>\n<Cube currency='USD' rate='1.1'/>\n",
        "the text ends inside an element",
    );
    xml(
        "<Cube>\n<Cube time='2026-10-30'>\n<Cube currency='USD' rate='1.1'",
        "line 3: ",
    );
    xml(
        "<Cube>\n<Cube time='2026-10-30'>\n</Cub></Cube>",
        "line 3: ",
    );
    xml(
        "<Cube time='30 October 2026'/>",
        "line 1: \"30 October 2026\" is not a date",
    );
    xml(
        "<Cube currency='USD' rate='1.1'/>",
        "line 1: a rate before any date",
    );
    xml(
        "<Cube time='2026-10-30'/>\n<Cube currency='USD'/>",
        "line 2: a currency without a rate",
    );
    xml(
        "<Cube time='2026-10-30'/>\n<Cube currency='USD' rate='0.0'/>",
        "line 2: USD: \"0.0\" is out of range",
    );
    xml(
        "<Cube time='2026-10-30'><Cube currency='USD' currency='JPY' rate='1'/></Cube>",
        "line 1: ",
    );
}

fn refused(reading: Result<Reading, FeedError>, words: &str) {
    let message = reading.unwrap_err().to_string();
    assert!(message.contains(words), "{message:?} lacks {words:?}");
}

#[test]
fn a_stream_is_read_line_by_line_wherever_it_is_cut() {
    let mut currencies = Currencies::default();
    let points = Currency::own("POINTS", 0).unwrap();
    currencies.register(points).unwrap();
    let stream = concat!(
        r#"{"base":"EUR","quote":"CNY","bid":"7.4321","ask":"7.4331","time":"2026-10-30T13:15:00.25Z"}"#,
        "\n\n",
        r#"{"base":"POINTS","quote":"EUR","bid":"0.01","ask":"0.01","time":"2026-10-30T13:15:01Z"}"#,
        "\r\n",
    );
    let expected = [
        Tick {
            base: Currency::EUR,
            quote: Currency::CNY,
            bid: rate("7.4321"),
            ask: rate("7.4331"),
            time: Timestamp(1_793_366_100_250_000_000),
        },
        Tick {
            base: points,
            quote: Currency::EUR,
            bid: rate("0.01"),
            ask: rate("0.01"),
            time: Timestamp(1_793_366_101_000_000_000),
        },
    ];
    for cut in 0..=stream.len() {
        let mut feed = NdjsonFeed::new("desk", currencies.clone());
        let (head, tail) = stream.split_at(cut);
        let mut ticks = feed.read(head).unwrap().ticks;
        ticks.extend(feed.read(tail).unwrap().ticks);
        assert_eq!(ticks, expected, "cut at {cut}");
        assert_eq!(feed.source(), "desk");
    }
}

#[test]
fn a_broken_line_of_a_stream_is_named() {
    let line = |bid: &str, time: &str, more: &str| {
        format!(r#"{{"base":"EUR","quote":"CNY","bid":{bid},"ask":"7.5","time":"{time}"{more}}}"#)
            + "\n"
    };
    let good = line("\"7.4\"", "2026-10-30T13:15:00Z", "");
    let check = |broken: &str, words: &str| {
        let mut feed = NdjsonFeed::new("desk", Currencies::default());
        refused(feed.read(&format!("{good}{broken}")), words);
    };
    check("{}\n", "line 2: missing field `base`");
    check("[]\n", "line 2: ");
    check(
        &line("7.4", "2026-10-30T13:15:00Z", ""),
        "line 2: invalid type: floating point",
    );
    check(
        &line("\"-7.4\"", "2026-10-30T13:15:00Z", ""),
        "line 2: CNY: \"-7.4\" is not a rate",
    );
    check(
        &line("\"7.4\"", "yesterday", ""),
        "line 2: the time is not RFC 3339",
    );
    check(
        &line("\"7.4\"", "2026-10-30T13:15:00Z", ",\"x\":1"),
        "line 2: unknown field `x`",
    );
    check(
        &good.replace("CNY", "HRK"),
        "line 2: HRK (Kuna) was withdrawn",
    );
    check(
        &"x".repeat(NdjsonFeed::LINE_BYTES_MAX + 1),
        "line 2: longer than 1024 bytes",
    );
    check(&"\n".repeat(1 << 20), "more than the 1048576");
    // A line that comes in many pieces is limited too, and the feed goes on after it.
    let mut feed = NdjsonFeed::new("desk", Currencies::default());
    let piece = "x".repeat(1000);
    assert_eq!(feed.read(&piece), Ok(Reading::default()));
    refused(feed.read(&piece), "line 1: longer than 1024 bytes");
    assert_eq!(feed.read(&good).unwrap().ticks.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn no_text_makes_a_feed_panic(
        text in "\\PC{0,60}|(Date,USD,JPY,?\n)?([0-9]{4}-[01][0-9]-[0-3][0-9](,([0-9]{1,4}(\\.[0-9]{0,4})?|N/A)?){0,3}\n){0,4}\
            |(<(/?Cube( time='[0-9-]{0,10}'| currency='[A-Z]{0,4}'| rate='[0-9.]{0,6}'){0,3}/?>)){0,6}",
    ) {
        for Reading { ticks, .. } in [EcbCsv.read(&text), EcbXml.read(&text)].into_iter().flatten() {
            prop_assert!(!ticks.is_empty());
            prop_assert!(ticks.iter().all(|tick| tick.base == Currency::EUR && tick.bid == tick.ask));
        }
        let streamed = NdjsonFeed::new("desk", Currencies::default()).read(&text);
        prop_assert!(streamed.is_err() || streamed == Ok(Reading::default()));
    }
}
