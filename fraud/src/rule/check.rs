//! From CEL text to a program: parsed by the `cel` crate, checked here against the registry.
//!
//! Everything an interpreter would find out while money waits is found out here: a field that does not
//! exist, a number where a yes or no belongs, a list nobody declared, a word that is no kind of payment.
//! Each error names the place. Of CEL, rules may use numbers, words, `&& || !`, comparisons, arithmetic,
//! `? :`, `in` and `has()`; there is nothing that repeats. Whole and fractional numbers mix freely.

use cel::common::ast::{
    CallExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr, SourceInfo, operators,
};
use cel::parser::Parser;

use super::lists::Lists;
use super::program::{Arithmetic, Compare, Number, Test};
use crate::attempt::{CurrencyCode, Role};
use crate::feature::{Registry, Unit};

/// The longest condition, in bytes.
pub const LONGEST: usize = 4_096;
/// The deepest nesting.
const DEEPEST: u16 = 48;

/// What is wrong with a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct RuleError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What happened and what to do.
    pub message: String,
}

/// A checked part of a condition.
enum Part {
    Number(Number),
    Test(Test),
    /// A feature that is one of some words.
    Word(usize, &'static [&'static str]),
    Text(String),
    Currency,
    Entity(Role),
    List(usize),
    Several(Vec<(u64, Part)>),
}

impl Part {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Test(_) => "a yes or no",
            Self::Word(..) => "a word feature",
            Self::Text(_) => "a text",
            Self::Currency => "a currency",
            Self::Entity(_) => "an entity",
            Self::List(_) => "a list",
            Self::Several(_) => "several values",
        }
    }
}

/// Compiles a condition.
pub(super) fn compile(text: &str, registry: &Registry, lists: &Lists) -> Result<Test, RuleError> {
    if text.len() > LONGEST {
        let message = format!(
            "the condition has {} bytes, at most {LONGEST} are allowed; split it into rules",
            text.len()
        );
        return Err(RuleError {
            line: 1,
            column: 1,
            message,
        });
    }
    let parser = Parser::new().max_recursion_depth(DEEPEST);
    let (root, source) = parser
        .parse_with_source_info(text)
        .map_err(|errors| syntax(text, &errors))?;
    Checker {
        text,
        registry,
        lists,
        source: &source,
    }
    .test(&root)
}

fn syntax(text: &str, errors: &cel::ParseErrors) -> RuleError {
    let first = errors.errors.first();
    let place = |part: isize| usize::try_from(part).unwrap_or(1).max(1);
    let (line, column) = first.map_or((1, 1), |error| (place(error.pos.0), place(error.pos.1)));
    let message = first.map_or_else(
        || "this is not CEL".to_owned(),
        |error| format!("this is not CEL: {}{}", error.msg, habit(text)),
    );
    RuleError {
        line,
        column,
        message,
    }
}

/// What to write instead, if the condition is written as people write who know another language.
fn habit(text: &str) -> &'static str {
    let outside = without_texts(text);
    let compared = ["==", "!=", "<=", ">="]
        .into_iter()
        .fold(outside.clone(), |text, sign| text.replace(sign, " "));
    let mut words = outside.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let joins = |word: &str| word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or");
    if compared.contains('=') {
        "; write == to compare"
    } else if words.any(joins) {
        "; write && for and, || for or"
    } else {
        ""
    }
}

/// A condition without what stands in quotes.
fn without_texts(condition: &str) -> String {
    let (mut outside, mut quote, mut escaped) = (String::new(), None, false);
    for letter in condition.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '\'' | '"') => {
                quote = Some(letter);
                outside.push(' ');
            }
            None => outside.push(letter),
        }
    }
    outside
}

/// The name of a feature or an entity that goes by another name elsewhere.
fn by_our_names(name: &str) -> Option<String> {
    let (owner, rest) = name.split_once('.').unwrap_or((name, ""));
    let role = match owner {
        "merchant" | "shop" => Role::Payee,
        "wallet" | "user" | "customer" => Role::Payer,
        _ => return None,
    };
    let dot = if rest.is_empty() { "" } else { "." };
    Some(format!("{}{dot}{rest}", role.name()))
}

struct Checker<'a> {
    text: &'a str,
    registry: &'a Registry,
    lists: &'a Lists,
    source: &'a SourceInfo,
}

type Checked<T> = Result<T, RuleError>;

impl Checker<'_> {
    fn test(&self, node: &IdedExpr) -> Checked<Test> {
        match self.part(node)? {
            Part::Test(test) => Ok(test),
            other => Err(self.error(
                node.id,
                &format!("a yes or no is needed here, but this is {}", other.kind()),
            )),
        }
    }

    fn number(&self, node: &IdedExpr) -> Checked<Number> {
        match self.part(node)? {
            Part::Number(number) => Ok(number),
            other => Err(self.error(
                node.id,
                &format!("a number is needed here, but this is {}", other.kind()),
            )),
        }
    }

    fn part(&self, node: &IdedExpr) -> Checked<Part> {
        match &node.expr {
            Expr::Literal(value) => self.literal(node.id, value),
            Expr::Ident(name) => self.name(node.id, name),
            Expr::Select(select) => self.select(node, select),
            Expr::Call(call) => self.call(node.id, call),
            Expr::List(ListExpr { elements, .. }) => {
                let parts = elements
                    .iter()
                    .map(|element| Ok((element.id, self.part(element)?)));
                Ok(Part::Several(parts.collect::<Checked<_>>()?))
            }
            Expr::Comprehension(_) => {
                Err(self.error(node.id, "rules do not repeat; write the cases out"))
            }
            _ => Err(self.error(node.id, "rules do not use this part of CEL")),
        }
    }

    fn literal(&self, id: u64, value: &LiteralValue) -> Checked<Part> {
        match value {
            LiteralValue::Boolean(value) => Ok(Part::Test(Test::Constant(*value.inner()))),
            LiteralValue::Int(value) => Ok(Part::Number(Number::Constant(*value.inner() as f64))),
            LiteralValue::UInt(value) => Ok(Part::Number(Number::Constant(*value.inner() as f64))),
            LiteralValue::Double(value) => Ok(Part::Number(Number::Constant(*value.inner()))),
            LiteralValue::String(value) => Ok(Part::Text(value.inner().to_owned())),
            _ => Err(self.error(id, "rules use numbers, texts, true and false")),
        }
    }

    fn name(&self, id: u64, name: &str) -> Checked<Part> {
        let role = Role::ALL.into_iter().find(|role| role.name() == name);
        match (name, role) {
            ("score_ppm", _) => Ok(Part::Number(Number::Score)),
            ("currency", _) => Ok(Part::Currency),
            (_, Some(role)) => Ok(Part::Entity(role)),
            _ => self.feature(id, name),
        }
    }

    fn select(&self, node: &IdedExpr, select: &SelectExpr) -> Checked<Part> {
        let Expr::Ident(owner) = &select.operand.expr else {
            return Err(self.error(
                node.id,
                "a field is written owner.field, such as payer.count_1h",
            ));
        };
        if owner == "lists" {
            let unknown = || {
                self.error(
                    node.id,
                    &format!(
                        "there is no list `{}`; there are {:?}",
                        select.field,
                        self.lists.names()
                    ),
                )
            };
            return self
                .lists
                .slot(&select.field)
                .map(Part::List)
                .ok_or_else(unknown);
        }
        let name = format!("{owner}.{}", select.field);
        if select.test {
            return self
                .slot(node.id, &name)
                .map(|slot| Part::Test(Test::Present(slot)));
        }
        self.feature(node.id, &name)
    }

    fn feature(&self, id: u64, name: &str) -> Checked<Part> {
        let slot = self.slot(id, name)?;
        let feature = &self.registry.features()[slot];
        Ok(match feature.unit {
            Unit::Flag => Part::Test(Test::Flag(slot)),
            Unit::Category if !feature.words.is_empty() => Part::Word(slot, feature.words),
            _ => Part::Number(Number::Slot(slot)),
        })
    }

    fn slot(&self, id: u64, name: &str) -> Checked<usize> {
        self.registry.slot(name).ok_or_else(|| {
            let near = match by_our_names(name) {
                Some(ours) if !ours.contains('.') => Some(ours),
                Some(ours) => self.registry.nearest(&ours).map(str::to_owned),
                None => self.registry.nearest(name).map(str::to_owned),
            };
            let near = near.map(|near| format!("; did you mean `{near}`?"));
            let near = near.unwrap_or_default();
            self.error(id, &format!("there is no feature `{name}`{near}"))
        })
    }

    fn call(&self, id: u64, call: &CallExpr) -> Checked<Part> {
        let compare = |how| self.compare(id, call, how);
        let arithmetic = |how| {
            let [left, right] = self.two(id, call)?;
            Ok(Part::Number(Number::Pair(
                how,
                Box::new((self.number(left)?, self.number(right)?)),
            )))
        };
        match call.func_name.as_str() {
            operators::LOGICAL_AND => self.both(id, call).map(|pair| Part::Test(Test::And(pair))),
            operators::LOGICAL_OR => self.both(id, call).map(|pair| Part::Test(Test::Or(pair))),
            operators::LOGICAL_NOT => Ok(Part::Test(Test::Not(Box::new(
                self.test(self.one(id, call)?)?,
            )))),
            operators::NEGATE => Ok(Part::Number(match self.number(self.one(id, call)?)? {
                Number::Constant(value) => Number::Constant(-value),
                other => Number::Negative(Box::new(other)),
            })),
            operators::EQUALS => compare(Compare::Equal),
            operators::NOT_EQUALS => compare(Compare::NotEqual),
            operators::LESS => compare(Compare::Less),
            operators::LESS_EQUALS => compare(Compare::AtMost),
            operators::GREATER => compare(Compare::More),
            operators::GREATER_EQUALS => compare(Compare::AtLeast),
            operators::ADD => arithmetic(Arithmetic::Add),
            operators::SUBSTRACT => arithmetic(Arithmetic::Subtract),
            operators::MULTIPLY => arithmetic(Arithmetic::Multiply),
            operators::DIVIDE => arithmetic(Arithmetic::Divide),
            operators::MODULO => arithmetic(Arithmetic::Remainder),
            operators::CONDITIONAL => self.either(id, call),
            operators::IN => self.among(id, call),
            other => Err(self.error(id, &format!("rules have no function `{other}`"))),
        }
    }

    fn compare(&self, id: u64, call: &CallExpr, how: Compare) -> Checked<Part> {
        let [left, right] = self.two(id, call)?;
        let equality = matches!(how, Compare::Equal | Compare::NotEqual);
        let negate = |test: Test| {
            if how == Compare::NotEqual {
                Test::Not(Box::new(test))
            } else {
                test
            }
        };
        let test = match (self.part(left)?, self.part(right)?) {
            (Part::Number(Number::Slot(slot)), Part::Number(Number::Constant(value))) => {
                Test::Slot(slot, how, value)
            }
            (Part::Number(left), Part::Number(right)) => {
                Test::Numbers(how, Box::new((left, right)))
            }
            (Part::Word(slot, words), Part::Text(text))
            | (Part::Text(text), Part::Word(slot, words))
                if equality =>
            {
                Test::Slot(slot, how, self.word(id, &text, words)?)
            }
            (Part::Currency, Part::Text(text)) | (Part::Text(text), Part::Currency) if equality => {
                negate(Test::Currency(CurrencyCode::new(&text)))
            }
            (Part::Test(left), Part::Test(right)) if equality => {
                negate(Test::Same(Box::new((left, right))))
            }
            (left, right) => {
                let message = format!(
                    "{} cannot be compared with {} this way{}",
                    left.kind(),
                    right.kind(),
                    self.entities_are_listed(&left, &right)
                );
                return Err(self.error(id, &message));
            }
        };
        Ok(Part::Test(test))
    }

    /// What to write instead of comparing an entity.
    fn entities_are_listed(&self, left: &Part, right: &Part) -> String {
        let ((Part::Entity(role), _) | (_, Part::Entity(role))) = (left, right) else {
            return String::new();
        };
        let list = self.lists.names().first().map_or("block", String::as_str);
        let role = role.name();
        format!("; entities are compared with lists, as in `{role} in lists.{list}`")
    }

    fn either(&self, id: u64, call: &CallExpr) -> Checked<Part> {
        let [condition, yes, no] = &call.args[..] else {
            return Err(self.error(id, "write condition ? yes : no"));
        };
        let condition = self.test(condition)?;
        match (self.part(yes)?, self.part(no)?) {
            (Part::Number(yes), Part::Number(no)) => {
                Ok(Part::Number(Number::Either(Box::new((condition, yes, no)))))
            }
            (Part::Test(yes), Part::Test(no)) => {
                Ok(Part::Test(Test::Either(Box::new((condition, yes, no)))))
            }
            (yes, no) => Err(self.error(
                id,
                &format!(
                    "both sides must be alike, but one is {} and one is {}",
                    yes.kind(),
                    no.kind()
                ),
            )),
        }
    }

    fn among(&self, id: u64, call: &CallExpr) -> Checked<Part> {
        let [item, values] = self.two(id, call)?;
        match (self.part(item)?, self.part(values)?) {
            (Part::Entity(role), Part::List(list)) => Ok(Part::Test(Test::Listed(role, list))),
            (Part::Word(slot, words), Part::Several(values)) => {
                let value = |(id, part): (u64, Part)| match part {
                    Part::Text(text) => self.word(id, &text, words),
                    other => Err(self.error(
                        id,
                        &format!("a text is needed here, but this is {}", other.kind()),
                    )),
                };
                let values = values.into_iter().map(value).collect::<Checked<_>>()?;
                Ok(Part::Test(Test::Among(Number::Slot(slot), values)))
            }
            (Part::Number(number), Part::Several(values)) => {
                let value = |(id, part): (u64, Part)| match part {
                    Part::Number(Number::Constant(value)) => Ok(value),
                    other => Err(self.error(
                        id,
                        &format!(
                            "a plain number is needed here, but this is {}",
                            other.kind()
                        ),
                    )),
                };
                let values = values.into_iter().map(value).collect::<Checked<_>>()?;
                Ok(Part::Test(Test::Among(number, values)))
            }
            (item, values) => Err(self.error(
                id,
                &format!("{} cannot be in {}", item.kind(), values.kind()),
            )),
        }
    }

    fn word(&self, id: u64, text: &str, words: &[&str]) -> Checked<f64> {
        let unknown = || self.error(id, &format!("`{text}` is none of {words:?}"));
        words
            .iter()
            .position(|word| *word == text)
            .map(|place| place as f64)
            .ok_or_else(unknown)
    }

    fn both(&self, id: u64, call: &CallExpr) -> Checked<Box<(Test, Test)>> {
        let [left, right] = self.two(id, call)?;
        Ok(Box::new((self.test(left)?, self.test(right)?)))
    }

    fn one<'n>(&self, id: u64, call: &'n CallExpr) -> Checked<&'n IdedExpr> {
        call.args
            .first()
            .ok_or_else(|| self.error(id, "something is missing here"))
    }

    fn two<'n>(&self, id: u64, call: &'n CallExpr) -> Checked<[&'n IdedExpr; 2]> {
        match &call.args[..] {
            [left, right] => Ok([left, right]),
            _ => Err(self.error(id, "two sides are needed here")),
        }
    }

    fn error(&self, id: u64, message: &str) -> RuleError {
        let start = self
            .source
            .offset_for(id)
            .map_or(0, |(start, _)| start as usize);
        let before: String = self.text.chars().take(start).collect();
        let line_start = before.rfind('\n').map_or(0, |place| place + 1);
        RuleError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.to_owned(),
        }
    }
}
