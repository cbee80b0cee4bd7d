//! What there is to choose from: strategies and fault points.

use std::fmt::Write;

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::points::FAULTS;

/// The strategies, and what each promises on either model.
pub fn strategies() -> String {
    let mut text = "Strategies (what each promises on a log and on a queue)\n".to_owned();
    let width = Strategy::ALL.iter().map(|strategy| strategy.name().len()).max().unwrap_or(0);
    for strategy in Strategy::ALL {
        let [log, queue] = [Model::Log, Model::Queue].map(|model| promise(strategy, model));
        let _ = writeln!(text, "  {strategy:width$} {log:20} {queue}");
        let _ = writeln!(text, "      {}", strategy.summary());
    }
    text
}

/// What a strategy promises on a model, if it runs there.
fn promise(strategy: Strategy, model: Model) -> String {
    if strategy.supports(model) { strategy.guarantee(model).to_string() } else { "–".to_owned() }
}

/// The fault points, with what can happen at each.
pub fn fault_points() -> String {
    let mut text = "Fault points (`*` stands for a subscription's name)\n".to_owned();
    for info in FAULTS.iter().filter(|info| info.can_happen_by_chance()) {
        let owner = if info.per_subscription { "*." } else { "" };
        let name = format!("{owner}{}", info.name);
        let alternatives = info.chances().join(", ");
        let _ = writeln!(text, "  {name:24} {alternatives:24} {}", info.meaning);
    }
    text.push_str(
        "\n  lost: it never arrives. late: it arrives after the additional time `times.late`.\n  \
         duplicated: it arrives twice.\n",
    );
    text
}
