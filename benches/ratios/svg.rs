//! The standings as a picture: a bar for each peer on a logarithmic scale, with its target.

use std::fmt::Write as _;

use crate::contest::{Peer, Standing, Target};

const WIDTH: f64 = 900.0;
const NAMES: f64 = 330.0;
const FIGURES: f64 = 150.0;
const ROW: f64 = 22.0;
const HEADING: f64 = 34.0;
/// The scale, as powers of ten.
const FROM: f64 = -1.5;
const UP_TO: f64 = 3.0;

/// A picture of the standings of one group.
pub(crate) fn svg(standings: &[&Standing]) -> String {
    let rows: usize = standings.iter().map(|one| one.peers.len()).sum();
    let height = ROW * rows as f64 + HEADING * standings.len() as f64 + 40.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    axis(&mut text, height);
    let mut y = 8.0;
    for standing in standings {
        y += HEADING;
        let title = escaped(&standing.title());
        let _ = writeln!(
            text,
            "<text x=\"12\" y=\"{:.0}\" font-weight=\"600\" fill=\"#222222\">{title}</text>",
            y - 10.0
        );
        for peer in &standing.peers {
            bar(&mut text, peer, y);
            y += ROW;
        }
    }
    text.push_str("</svg>\n");
    text
}

/// Lines at the powers of ten, the one at 1 darker.
fn axis(text: &mut String, height: f64) {
    for power in -1..=3_i32 {
        let x = place(10_f64.powi(power));
        let colour = if power == 0 { "#666666" } else { "#dddddd" };
        let _ = writeln!(
            text,
            "<line x1=\"{x:.1}\" y1=\"8\" x2=\"{x:.1}\" y2=\"{:.0}\" stroke=\"{colour}\"/>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"#666666\">{} ×</text>",
            height - 26.0,
            height - 10.0,
            10_f64.powi(power)
        );
    }
}

fn bar(text: &mut String, peer: &Peer, y: f64) {
    let (one, end) = (place(1.0), place(peer.ratio.median));
    let (left, width) = (one.min(end), (end - one).abs().max(1.0));
    let colour = match peer.is_met() {
        Some(false) => "#c0504d",
        Some(true) => "#3a7d44",
        None => "#4f81bd",
    };
    let _ = writeln!(
        text,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\" fill=\"#222222\">{}</text>\
         <rect x=\"{left:.1}\" y=\"{:.0}\" width=\"{width:.1}\" height=\"14\" fill=\"{colour}\"/>",
        NAMES - 10.0,
        y + 12.0,
        escaped(&peer.name),
        y + 1.0
    );
    if let Target::AtLeast(limit) | Target::AtMost(limit) = peer.target {
        let x = place(limit);
        let _ = writeln!(
            text,
            "<line x1=\"{x:.1}\" y1=\"{:.0}\" x2=\"{x:.1}\" y2=\"{:.0}\" stroke=\"#000000\" \
             stroke-width=\"2\"/>",
            y - 1.0,
            y + 17.0
        );
    }
    let _ = writeln!(
        text,
        "<text x=\"{:.0}\" y=\"{:.0}\" fill=\"#222222\">{}</text>",
        WIDTH - FIGURES + 8.0,
        y + 12.0,
        peer.ratio
    );
}

fn place(ratio: f64) -> f64 {
    let share = (ratio.log10().clamp(FROM, UP_TO) - FROM) / (UP_TO - FROM);
    NAMES + share * (WIDTH - NAMES - FIGURES)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
