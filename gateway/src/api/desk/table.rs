//! The routes of the analysts' desk.

use axum::http::StatusCode;

use super::super::route::Route;
use super::{case, export, freeze, history, list, model, report, rules};
use crate::auth::Role;
use crate::problem::Code;

const ANALYST: &[Role] = &[Role::Analyst];
const ANALYST_OR_OPERATOR: &[Role] = &[Role::Operator, Role::Analyst];

macro_rules! refusals {
    ($($code:ident)*) => { &[$(Code::$code),*] };
}

pub(in crate::api) fn routes() -> Vec<Route> {
    let groups = [cases(), acts(), told(), rules(), lists(), models()];
    groups.into_iter().flatten().collect()
}

fn cases() -> Vec<Route> {
    vec![
        Route::get("/v1/cases", case::queue)
            .documented(
                "Cases",
                "list_cases",
                "The queue",
                "Payments that were not simply let through, those with the most money at risk first.",
            )
            .for_roles(ANALYST_OR_OPERATOR)
            .refuses(refusals![CursorInvalid]),
        Route::get("/v1/cases/{id}", case::find)
            .documented(
                "Cases",
                "get_case",
                "Look a case up",
                "With its reasons, what was said about it, the payer's other attempts and cases near it.",
            )
            .for_roles(ANALYST_OR_OPERATOR)
            .refuses(refusals![DecisionNotFound]),
    ]
}

fn acts() -> Vec<Route> {
    vec![
        Route::post("/v1/cases/{id}/release", case::release)
            .documented("Cases", "release_case", "Release a payment", "Money that is on hold goes to the shop.")
            .for_roles(ANALYST)
            .refuses(refusals![
                DecisionNotFound DecisionNotPending OrderNotFound MerchantFrozen AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::post("/v1/cases/{id}/deny", case::deny)
            .documented(
                "Cases",
                "deny_case",
                "Deny a payment",
                "What is pending is refused. Money that is on hold goes back to the payer.",
            )
            .for_roles(ANALYST)
            .refuses(refusals![DecisionNotFound DecisionNotPending OrderNotFound]),
        Route::post("/v1/cases/{id}/label", case::label)
            .documented(
                "Cases",
                "label_case",
                "Say what a payment was",
                "Of any attempt that was scored, also one that was let through. The last word counts; the scorer learns \
                 from it.",
            )
            .for_roles(ANALYST)
            .refuses(refusals![DecisionNotFound]),
        Route::post("/v1/cases/{id}/notes", case::add_note)
            .documented("Cases", "add_case_note", "Add a note to a case", "It stays with the case for ever.")
            .for_roles(ANALYST)
            .refuses(refusals![DecisionNotFound]),
        Route::post("/v1/cases/bulk", case::bulk)
            .documented(
                "Cases",
                "act_on_cases",
                "Act on many cases",
                "The same for up to a hundred cases, each by itself: the answer says what became of each.",
            )
            .for_roles(ANALYST),
        Route::post("/v1/wallets/{id}/freeze", freeze::freeze_wallet)
            .documented(
                "Cases",
                "freeze_wallet",
                "Freeze a wallet",
                "Nothing leaves it until it is unfrozen. Money still comes in, such as refunds.",
            )
            .for_roles(ANALYST_OR_OPERATOR)
            .refuses(refusals![WalletNotFound]),
        Route::post("/v1/wallets/{id}/unfreeze", freeze::unfreeze_wallet)
            .documented("Cases", "unfreeze_wallet", "Unfreeze a wallet", "Money can leave it again.")
            .for_roles(ANALYST_OR_OPERATOR)
            .refuses(refusals![WalletNotFound]),
        Route::post("/v1/merchants/{id}/freeze", freeze::freeze_merchant)
            .documented(
                "Cases",
                "freeze_merchant",
                "Freeze a merchant",
                "Nobody can pay it until it is unfrozen, and what is pending cannot be confirmed or released. It can still \
                 refund.",
            )
            .for_roles(ANALYST_OR_OPERATOR)
            .refuses(refusals![MerchantNotFound]),
        Route::post("/v1/merchants/{id}/unfreeze", freeze::unfreeze_merchant)
            .documented("Cases", "unfreeze_merchant", "Unfreeze a merchant", "It can be paid again.")
            .for_roles(ANALYST_OR_OPERATOR)
            .refuses(refusals![MerchantNotFound]),
    ]
}

fn told() -> Vec<Route> {
    vec![
        Route::get("/v1/labels.csv", export::labels)
            .documented(
                "Cases",
                "export_labels",
                "Labelled attempts as a file",
                "Attempts with what they turned out to be, in order of time, as `gateway fraud train` takes them: \
                 `--time time --label label --amount amount --entity payer --entity payee --entity device --entity place`. At most \
                 100000 rows; the next begin at the time of the last.",
            )
            .for_roles(ANALYST_OR_OPERATOR),
        Route::get("/v1/reports/fraud", report::fraud)
            .documented(
                "Cases",
                "get_fraud_report",
                "The fraud report",
                "What was stopped and what was let through, against what payments turned out to be: money caught and \
                 missed, wrong declines, alerts by rule, hours, drift, and the curve of every threshold.",
            )
            .for_roles(ANALYST_OR_OPERATOR),
        Route::get("/v1/desk/history", history::list)
            .documented(
                "Cases",
                "list_desk_history",
                "What analysts changed",
                "Rules, lists, models and who was frozen, the newest first.",
            )
            .for_roles(ANALYST_OR_OPERATOR)
            .refuses(refusals![CursorInvalid]),
    ]
}

fn rules() -> Vec<Route> {
    vec![
        Route::get("/v1/features", rules::features)
            .documented(
                "Rules",
                "list_features",
                "What rules can ask about",
                "Every feature of an attempt to pay: its name, its meaning and its unit.",
            )
            .for_roles(ANALYST_OR_OPERATOR),
        Route::get("/v1/rules", rules::find)
            .documented(
                "Rules",
                "get_rules",
                "The rules",
                "Those that run, those that are proposed, and the last twenty versions.",
            )
            .for_roles(ANALYST_OR_OPERATOR),
        Route::post("/v1/rules/check", rules::check)
            .documented("Rules", "check_rules", "Check rules", "Every error with its place. Nothing is kept.")
            .for_roles(ANALYST)
            .harmless(),
        Route::post("/v1/rules/backtest", rules::backtest)
            .documented(
                "Rules",
                "backtest_rules",
                "Try rules on the past",
                "What they would have caught and whom they would have disturbed, had they run. Nothing is kept.",
            )
            .for_roles(ANALYST)
            .harmless()
            .refuses(refusals![RulesInvalid]),
        Route::post("/v1/rules/drafts", rules::draft)
            .documented(
                "Rules",
                "draft_rules",
                "Propose rules",
                "All rules that shall run. They run when another analyst approves them.",
            )
            .for_roles(ANALYST)
            .answers(StatusCode::CREATED)
            .refuses(refusals![RulesInvalid DraftsTooMany]),
        Route::post("/v1/rules/drafts/{id}/approve", rules::approve)
            .documented(
                "Rules",
                "approve_rules",
                "Let rules run",
                "By another key than wrote them. They run from the next attempt on, without a pause.",
            )
            .for_roles(ANALYST)
            .refuses(refusals![DraftNotFound DraftOutdated SamePerson]),
        Route::post("/v1/rules/drafts/{id}/discard", rules::discard)
            .documented("Rules", "discard_rules", "Discard a draft", "It comes to nothing.")
            .for_roles(ANALYST)
            .refuses(refusals![DraftNotFound]),
        Route::post("/v1/rules/restore", rules::restore)
            .documented(
                "Rules",
                "restore_rules",
                "Go back to earlier rules",
                "At once: they were approved before. They get a version of their own.",
            )
            .for_roles(ANALYST)
            .refuses(refusals![VersionNotFound]),
    ]
}

fn lists() -> Vec<Route> {
    vec![
        Route::get("/v1/lists", list::find)
            .documented(
                "Lists",
                "get_lists",
                "The lists",
                "Who is blocked, allowed and watched.",
            )
            .for_roles(ANALYST_OR_OPERATOR),
        Route::post("/v1/lists/enter", list::enter)
            .documented(
                "Lists",
                "enter_in_list",
                "Put on a list",
                "From the next attempt on. An entry that was there is replaced.",
            )
            .for_roles(ANALYST)
            .refuses(refusals![EntriesTooMany EntryEnded WalletNotFound MerchantNotFound]),
        Route::post("/v1/lists/strike", list::strike)
            .documented(
                "Lists",
                "strike_from_list",
                "Take off a list",
                "From the next attempt on.",
            )
            .for_roles(ANALYST)
            .refuses(refusals![EntryNotFound]),
    ]
}

fn models() -> Vec<Route> {
    vec![
        Route::get("/v1/models", model::find)
            .documented(
                "Models",
                "get_models",
                "The models",
                "Which there are, which decides, which challenges it, and how far scores have drifted.",
            )
            .for_roles(ANALYST_OR_OPERATOR),
        Route::post("/v1/models", model::upload)
            .documented(
                "Models",
                "add_model",
                "Upload a model",
                "The file that `gateway fraud train` writes. It says nothing until it is given a part.",
            )
            .for_roles(ANALYST)
            .answers(StatusCode::CREATED)
            .refuses(refusals![ModelInvalid ModelsTooMany]),
        Route::post("/v1/models/use", model::assign)
            .documented(
                "Models",
                "use_model",
                "Give a model a part",
                "Champion: it decides, approved by another key than uploaded it. Challenger: it scores alongside.",
            )
            .for_roles(ANALYST)
            .refuses(refusals![ModelNotFound SamePerson]),
    ]
}
