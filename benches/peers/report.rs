//! What came out: a line a class, the means, and the same as JSON.

use serde_json::{Map, Value as Json, json};

use crate::ask::Answer;
use crate::literals::LITERALS;
use crate::measure::{LITERALS_MIN, Measured, ROUNDS};
use crate::support::quantile;

/// The engines in the order of every list.
pub const ENGINES: [&str; 4] = ["rollcall", "rollcall_http", "postgresql", "sqlite"];

/// A class as every engine answered it.
struct Line {
    class: &'static str,
    agree: bool,
    p50: [f64; 4],
}

/// All of it.
pub struct Report {
    pub contacts: u64,
    pub load_s: Vec<(&'static str, f64)>,
    pub rss_mb: Vec<(&'static str, u64)>,
    lines: Vec<Line>,
}

impl Report {
    pub fn new(contacts: u64, seconds: f64, load_s: Vec<(&'static str, f64)>) -> Report {
        println!(
            "measured peers: {contacts} contacts; {LITERALS} literals, {ROUNDS} rounds, cut after {seconds} s and {LITERALS_MIN} literals"
        );
        println!("microseconds for the rows and the exact total, p50/p95; × = times Rollcall in process");
        println!(
            "{:32} {:>9} {:>19} {:>19} {:>19} {:>19} {:>8} {:>8} agree",
            "class", "matches", "rollcall", "rollcall_http", "postgresql", "sqlite", "× pg", "× sqlite"
        );
        Report { contacts, load_s, rss_mb: Vec::new(), lines: Vec::new() }
    }

    /// Prints and keeps a class, with the median of its matches; says what differs where something does.
    pub fn add(&mut self, class: &'static str, measured: [Measured; 4]) {
        let mut totals: Vec<u64> = measured[0].answers.iter().map(|answer| answer.total).collect();
        totals.sort_unstable();
        let matches = totals[totals.len() / 2];
        let agree = agree(class, &measured);
        let p50 = [0, 1, 2, 3].map(|at| quantile(&measured[at].micros, 0.5));
        let shown = [0, 1, 2, 3].map(|at| format!("{:.0}/{:.0}", p50[at], quantile(&measured[at].micros, 0.95)));
        let [rollcall, http, postgresql, sqlite] = shown;
        println!(
            "{class:32} {matches:>9} {rollcall:>19} {http:>19} {postgresql:>19} {sqlite:>19} {:>8.1} {:>8.1} {agree}",
            p50[2] / p50[0],
            p50[3] / p50[0],
        );
        self.lines.push(Line { class, agree, p50 });
    }

    /// How many times Rollcall's p50 another engine's is, over all classes.
    fn mean(&self, engine: usize) -> f64 {
        let logs: f64 = self.lines.iter().map(|line| (line.p50[engine] / line.p50[0]).ln()).sum();
        (logs / self.lines.len() as f64).exp()
    }

    /// Whether every engine gave the same answers.
    pub fn agrees(&self) -> bool {
        self.lines.iter().all(|line| line.agree)
    }

    /// What holds for all classes.
    pub fn finish(&self) {
        println!(
            "geometric mean over {} classes: PostgreSQL {:.1} ×, SQLite {:.1} × Rollcall in process; Rollcall over HTTP {:.2} ×",
            self.lines.len(),
            self.mean(2),
            self.mean(3),
            self.mean(1)
        );
        let slower = self.lines.iter().filter(|line| line.p50[0] > line.p50[2].min(line.p50[3]));
        let slower: Vec<&str> = slower.map(|line| line.class).collect();
        println!(
            "classes where another is faster than Rollcall in process: {}",
            if slower.is_empty() { "none".into() } else { slower.join("; ") }
        );
        let loads: Vec<String> = self.load_s.iter().map(|(name, s)| format!("{name} {s:.1} s")).collect();
        let memory: Vec<String> = self.rss_mb.iter().map(|(name, mb)| format!("{name} {mb} MB")).collect();
        println!("load with indexes: {}; memory (page cache aside): {}", loads.join(", "), memory.join(", "));
        for line in self.lines.iter().filter(|line| !line.agree) {
            println!("DISAGREE: {}", line.class);
        }
    }

    pub fn json(&self) -> Json {
        let micros = |p50: &[f64; 4]| -> Map<String, Json> {
            ENGINES.iter().zip(p50).map(|(name, p50)| ((*name).to_owned(), round(*p50))).collect()
        };
        let class = |line: &Line| json!({"class": line.class, "agree": line.agree, "p50_us": micros(&line.p50)});
        let loads: Map<String, Json> = self.load_s.iter().map(|(name, s)| ((*name).to_owned(), round(*s))).collect();
        let memory: Map<String, Json> =
            self.rss_mb.iter().map(|(name, mb)| ((*name).to_owned(), Json::from(*mb))).collect();
        json!({
            "contacts": self.contacts,
            "classes": self.lines.iter().map(class).collect::<Vec<_>>(),
            "geomean_vs_postgresql": round(self.mean(2)),
            "load_s": loads,
            "rss_mb": memory,
        })
    }
}

fn round(number: f64) -> Json {
    Json::from((number * 100.0).round() / 100.0)
}

/// Whether all gave the same ids in the same order, the same totals and the same facets, to every literal that was asked.
fn agree(class: &str, measured: &[Measured; 4]) -> bool {
    let mut agree = true;
    let ours = &measured[0].answers;
    for (name, theirs) in ENGINES.iter().zip(measured).skip(1) {
        let differs = ours.iter().zip(&theirs.answers).position(|(ours, theirs)| ours != theirs);
        if let Some(at) = differs {
            agree = false;
            println!("{class}, literal {at}: {name} differs: {}", difference(&ours[at], &theirs.answers[at]));
        }
    }
    agree
}

fn difference(ours: &Answer, theirs: &Answer) -> String {
    let rows = ours.ids.iter().zip(&theirs.ids).position(|(a, b)| a != b);
    let facets = ours.facets.iter().filter(|line| !theirs.facets.contains(line)).take(3);
    let others = theirs.facets.iter().filter(|line| !ours.facets.contains(line)).take(3);
    format!(
        "total {} and {}; {} and {} rows, the first that differs {}; facets {:?} and {:?}",
        ours.total,
        theirs.total,
        ours.ids.len(),
        theirs.ids.len(),
        rows.map_or("none".into(), |at| format!("at {at}: {} and {}", ours.ids[at], theirs.ids[at])),
        facets.collect::<Vec<_>>(),
        others.collect::<Vec<_>>(),
    )
}
