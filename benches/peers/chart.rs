//! Curves on logarithmic scales as an SVG that is readable on light and dark pages.

use std::fmt::Write as _;

use crate::goals::short;

/// A curve: a value for each place along the horizontal scale.
pub struct Series {
    pub name: &'static str,
    pub values: Vec<f64>,
}

/// Curves that share a vertical scale.
pub struct Panel {
    /// With the unit.
    pub title: &'static str,
    pub series: Vec<Series>,
}

const COLUMNS: usize = 3;
const PANEL_WIDTH: f64 = 330.0;
/// Where the curves are within a panel.
const LEFT: f64 = 46.0;
const TOP: f64 = 34.0;
const WIDTH: f64 = 264.0;
const HEIGHT: f64 = 160.0;
/// Below the curves: the numbers along the scale, then two lines a curve.
const SCALE: f64 = 34.0;
const LEGEND: f64 = 27.0;
/// Room for what belongs to all panels.
const FOOT: f64 = 36.0;

const STYLE: &str = "
  text { font: 11px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 12px; }
  .small { font-size: 10px; fill: #59636e; }
  .back { fill: #ffffff; }
  .grid { stroke: #d8dee4; stroke-width: 1; fill: none; }
  .guide { stroke: #818b98; stroke-width: 1; fill: none; }
  .root { stroke-dasharray: 6 4; }
  .linear { stroke-dasharray: 1 4; }
  .curve { fill: none; stroke-width: 2; }
  .c0 { stroke: #cf222e; } .d0 { fill: #cf222e; }
  .c1 { stroke: #bc6c00; } .d1 { fill: #bc6c00; }
  .c2 { stroke: #0969da; } .d2 { fill: #0969da; }
  .c3 { stroke: #1a7f37; } .d3 { fill: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .back { fill: #0d1117; }
    .grid { stroke: #30363d; }
    .c0 { stroke: #ff7b72; } .d0 { fill: #ff7b72; }
    .c1 { stroke: #f0a43a; } .d1 { fill: #f0a43a; }
    .c2 { stroke: #58a6ff; } .d2 { fill: #58a6ff; }
    .c3 { stroke: #3fb950; } .d3 { fill: #3fb950; }
  }
";

/// What ten times the first costs, from two places and their values.
pub fn tenfold(places: [f64; 2], values: [f64; 2]) -> f64 {
    (values[1] / values[0]).powf(1.0 / (places[1] / places[0]).log10())
}

/// The picture.
pub fn svg(places: &[f64], panels: &[Panel]) -> String {
    let (width, mut height, mut drawn) = (COLUMNS as f64 * PANEL_WIDTH, 0.0, String::new());
    for row in panels.chunks(COLUMNS) {
        for (at, panel) in row.iter().enumerate() {
            let x = at as f64 * PANEL_WIDTH;
            let _ = write!(drawn, "<g transform=\"translate({x} {height})\">\n{}</g>\n", drawing(places, panel));
        }
        let curves = row.iter().map(|panel| panel.series.len()).max().unwrap_or(0);
        height += TOP + HEIGHT + SCALE + curves as f64 * LEGEND;
    }
    height += FOOT;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>How Rollcall grows with the number of contacts</title>\n<style>{STYLE}</style>\n\
         <rect class=\"back\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n{drawn}{}</svg>\n",
        foot(height - FOOT / 2.0)
    )
}

/// What the lines without a curve are, and how the numbers below the curves are to be read.
fn foot(y: f64) -> String {
    format!(
        "<path class=\"guide root\" d=\"M{LEFT} {y}h40\"/>\n<path class=\"guide linear\" d=\"M210 {y}h40\"/>\n{}{}{}",
        text(LEFT + 46.0, y + 4.0, "", "√10 times a tenfold"),
        text(256.0, y + 4.0, "", "ten times a tenfold"),
        text(
            376.0,
            y + 4.0,
            "",
            "Contacts across; all scales logarithmic. tenfold: what ten times the contacts cost, in √10 = 3.16."
        )
    )
}

/// Places and values to points of a panel.
struct Scale {
    places: [f64; 2],
    values: [f64; 2],
}

impl Scale {
    /// Whole decades that hold all values.
    fn of(places: &[f64], panel: &Panel) -> Scale {
        let values = || panel.series.iter().flat_map(|series| &series.values).filter(|value| **value > 0.0);
        let lowest = values().copied().fold(f64::INFINITY, f64::min).log10().floor();
        let highest = values().copied().fold(0.0, f64::max).log10().ceil();
        let (first, last) = (places[0].log10(), places[places.len() - 1].log10());
        Scale {
            places: [first, if last > first { last } else { first + 1.0 }],
            values: [lowest, if highest > lowest { highest } else { lowest + 1.0 }],
        }
    }

    fn x(&self, place: f64) -> f64 {
        LEFT + WIDTH * (place.log10() - self.places[0]) / (self.places[1] - self.places[0])
    }

    fn y(&self, value: f64) -> f64 {
        TOP + HEIGHT * (1.0 - (value.log10() - self.values[0]) / (self.values[1] - self.values[0]))
    }
}

fn drawing(places: &[f64], panel: &Panel) -> String {
    let scale = Scale::of(places, panel);
    let mut out = text(LEFT, 20.0, "title", panel.title);
    let (right, bottom) = (LEFT + WIDTH, TOP + HEIGHT);
    for decade in scale.values[0] as i32..=scale.values[1] as i32 {
        let y = scale.y(10_f64.powi(decade));
        let _ = writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>");
        out += &ended(LEFT - 5.0, y + 3.5, &count(10_f64.powi(decade)));
    }
    for place in places {
        let x = scale.x(*place);
        let _ = writeln!(out, "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>");
        out += &ended(x + 12.0, bottom + 14.0, &count(*place));
    }
    out += &guides(places, panel, &scale);
    for (at, series) in panel.series.iter().enumerate() {
        let points = || places.iter().zip(&series.values).filter(|(_, value)| **value > 0.0);
        let path: Vec<String> =
            points().map(|(place, value)| format!("{:.1},{:.1}", scale.x(*place), scale.y(*value))).collect();
        let _ = writeln!(out, "<polyline class=\"curve c{at}\" points=\"{}\"/>", path.join(" "));
        for (place, value) in points() {
            let _ = writeln!(
                out,
                "<circle class=\"d{at}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                scale.x(*place),
                scale.y(*value)
            );
        }
        let y = bottom + SCALE + at as f64 * LEGEND;
        let _ = writeln!(out, "<circle class=\"d{at}\" cx=\"{}\" cy=\"{:.1}\" r=\"4\"/>", LEFT - 8.0, y - 4.0);
        out += &text(LEFT, y, "", series.name);
        out += &text(LEFT, y + 12.0, "small", &told(places, &series.values));
    }
    out
}

/// From where the first curve begins: what √10 and ten times would be, as far as the panel goes. What does not grow needs
/// nothing to be compared with.
fn guides(places: &[f64], panel: &Panel, scale: &Scale) -> String {
    let Some([first, .., last]) = panel.series.first().map(|series| series.values.as_slice()) else {
        return String::new();
    };
    if *first <= 0.0 || *last < 2.0 * first {
        return String::new();
    }
    let mut out = String::new();
    for (class, slope) in [("root", 0.5), ("linear", 1.0)] {
        let room = (scale.values[1] - first.log10()) / slope;
        let end = scale.places[1].min(scale.places[0] + room);
        let value = 10_f64.powf(first.log10() + (end - scale.places[0]) * slope);
        let (x0, y0) = (scale.x(places[0]), scale.y(*first));
        let (x1, y1) = (scale.x(10_f64.powf(end)), scale.y(value));
        let _ = writeln!(out, "<path class=\"guide {class}\" d=\"M{x0:.1} {y0:.1}L{x1:.1} {y1:.1}\"/>");
    }
    out
}

/// The values, and what each tenfold cost.
fn told(places: &[f64], values: &[f64]) -> String {
    let shown: Vec<String> = values.iter().map(|value| short(*value)).collect();
    let steps = places.windows(2).zip(values.windows(2));
    let costs = steps.map(|(places, values)| tenfold([places[0], places[1]], [values[0], values[1]]) / 10_f64.sqrt());
    let costs: Vec<String> = costs.map(|cost| format!("{cost:.2} √10")).collect();
    let tenfold = if costs.is_empty() { String::new() } else { format!(", tenfold: {}", costs.join(", ")) };
    format!("{}{tenfold}", shown.join(" → "))
}

fn text(x: f64, y: f64, class: &str, text: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n")
}

/// Text that ends there.
fn ended(x: f64, y: f64, text: &str) -> String {
    format!("<text class=\"small\" text-anchor=\"end\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n")
}

/// A number in few characters: 0.01, 100, 10 k, 1 M.
fn count(number: f64) -> String {
    match number {
        n if n >= 1e6 => format!("{} M", n / 1e6),
        n if n >= 1e3 => format!("{} k", n / 1e3),
        n => format!("{}", (n * 1e6).round() / 1e6),
    }
}
