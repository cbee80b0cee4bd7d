//! What is known of the real systems, as text.

use std::fmt::Write;

use super::{CLIENTS, Fact, NAMES, Profile};

/// A line for each profile.
pub fn names() -> String {
    let mut text =
        "Profiles (`profile = \"…\"` in a scenario; `entrega list profiles` prints what \
                    they set)\n"
            .to_owned();
    for profile in all() {
        let Profile { name, title, model, versions, .. } = profile;
        let _ = writeln!(text, "  {name:22} {model:6} {title}, {versions}");
    }
    text.push_str(
        "Clients (`client = \"…\"`, below the scenario's settings and above the profile's)\n",
    );
    for profile in clients() {
        let Profile { name, title, model, versions, .. } = profile;
        let _ = writeln!(text, "  {name:22} {model:6} {title}, {versions}");
    }
    text
}

/// Each profile with all that it sets, and with what it cannot.
pub fn in_full() -> String {
    let mut text = String::new();
    for profile in all().chain(clients()) {
        let Profile { name, title, model, versions, settings, longest_hold, not_modelled } =
            profile;
        let _ = writeln!(text, "{name}: {title}, {versions} ({model})");
        settings.iter().for_each(|(path, fact)| write_fact(&mut text, path, fact));
        if let Some(hold) = &longest_hold {
            text.push_str("  how long a message is held that is due later:\n");
            write_fact(&mut text, "longest_hold", hold);
        }
        if !not_modelled.is_empty() {
            text.push_str("  not modelled:\n");
        }
        not_modelled.iter().for_each(|(path, fact)| write_fact(&mut text, path, fact));
        text.push('\n');
    }
    text.push_str(
        "A scenario may set each of these itself. A profile of your own is a file like those: \n\
         profile = \"./mine.toml\", with inherits = \"jetstream\" and what differs.\n",
    );
    text
}

fn all() -> impl Iterator<Item = Profile> {
    NAMES.iter().filter_map(|name| Profile::builtin(name))
}

fn clients() -> impl Iterator<Item = Profile> {
    CLIENTS.iter().filter_map(|name| Profile::builtin(name))
}

/// `  queue.late_settle = "honoured"`, and below it where that is from.
fn write_fact(text: &mut String, path: &str, fact: &Fact) {
    let Fact { value, source, verified, since, until, note } = fact;
    let _ = write!(text, "  {path} = {value}");
    let mut asides = Vec::new();
    asides.extend((!verified).then(|| "NOT VERIFIED".to_owned()));
    asides.extend(since.as_ref().map(|version| format!("since {version}")));
    asides.extend(until.as_ref().map(|version| format!("until {version}")));
    if !asides.is_empty() {
        let _ = write!(text, " ({})", asides.join(", "));
    }
    let _ = writeln!(text, "\n      {source}");
    if let Some(note) = note {
        let _ = writeln!(text, "      {note}");
    }
}
