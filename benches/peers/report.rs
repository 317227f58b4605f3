//! What came out of the classes: a line a class, the means, the goals, and the same as JSON.

use serde_json::{Map, Value as Json, json};

use crate::ask::Answer;
use crate::class::Class;
use crate::goals::{self, Goal};
use crate::json::round;
use crate::latency::{self, Kind, Latency, Took};
use crate::literals::{LITERALS, Literals};
use crate::measure::{LITERALS_MIN, Measured, ROUNDS};

/// A class as every engine answered it, Rollcall in process first.
struct Line {
    class: &'static str,
    kind: Kind,
    agree: bool,
    matches: u64,
    took: Vec<Took>,
}

/// All of it.
pub struct Report {
    contacts: u64,
    /// Rollcall in process first.
    engines: Vec<&'static str>,
    lines: Vec<Line>,
    pub load_s: Vec<(&'static str, f64)>,
    pub rss_mb: Vec<(&'static str, u64)>,
}

impl Line {
    /// How many times Rollcall's p50 that of another engine is.
    fn times(&self, engine: usize) -> f64 {
        self.took[engine].p50 / self.took[0].p50
    }
}

impl Report {
    pub fn new(contacts: u64, seconds: f64, engines: Vec<&'static str>) -> Report {
        println!(
            "measured peers: {contacts} contacts; {LITERALS} literals, {ROUNDS} rounds, cut after {seconds} s and {LITERALS_MIN} literals"
        );
        println!("microseconds for the rows and the exact total, p50/p95; × = times Rollcall in process");
        let names: String = engines.iter().map(|name| format!(" {name:>19}")).collect();
        let times: String = engines.iter().skip(1).map(|name| format!(" {:>8}", format!("× {}", tag(name)))).collect();
        println!("{:32} {:>9}{names}{times} agree", "class", "matches");
        Report { contacts, engines, lines: Vec::new(), load_s: Vec::new(), rss_mb: Vec::new() }
    }

    /// Prints and keeps a class as each engine answered it, with the median of its matches; says what differs where something does.
    pub fn add(&mut self, class: &Class, literals: &Literals, measured: &[Measured]) {
        let mut totals: Vec<u64> = measured[0].answers.iter().map(|answer| answer.total).collect();
        totals.sort_unstable();
        let line = Line {
            class: class.name,
            kind: Kind::of(class, literals),
            agree: self.agree(class.name, measured),
            matches: totals[totals.len() / 2],
            took: measured.iter().map(Measured::took).collect(),
        };
        let shown: String =
            line.took.iter().map(|took| format!(" {:>19}", format!("{:.0}/{:.0}", took.p50, took.p95))).collect();
        let times: String = (1..line.took.len()).map(|engine| format!(" {:>8.1}", line.times(engine))).collect();
        println!("{:32} {:>9}{shown}{times} {}", line.class, line.matches, line.agree);
        self.lines.push(line);
    }

    fn at(&self, engine: &str) -> Option<usize> {
        self.engines.iter().position(|name| *name == engine)
    }

    /// How many times Rollcall's p50 another engine's is, over all classes.
    fn mean(&self, engine: &str) -> Option<f64> {
        let at = self.at(engine)?;
        let logs: f64 = self.lines.iter().map(|line| line.times(at).ln()).sum();
        Some((logs / self.lines.len() as f64).exp())
    }

    /// Whether every engine gave the same answers.
    pub fn agrees(&self) -> bool {
        self.lines.iter().all(|line| line.agree)
    }

    /// Whether all gave the same ids in the same order, the same totals and the same facets, to every literal that was asked.
    fn agree(&self, class: &str, measured: &[Measured]) -> bool {
        let mut agree = true;
        let ours = &measured[0].answers;
        for (name, theirs) in self.engines.iter().zip(measured).skip(1) {
            let differs = ours.iter().zip(&theirs.answers).position(|(ours, theirs)| ours != theirs);
            if let Some(at) = differs {
                agree = false;
                println!("{class}, literal {at}: {name} differs: {}", difference(&ours[at], &theirs.answers[at]));
            }
        }
        agree
    }

    /// Prints what holds for all classes, and the goals; the members of the figures.
    pub fn finish(&self) -> Map<String, Json> {
        let means = self.engines.iter().skip(1).filter_map(|name| Some(format!("{name} {:.2} ×", self.mean(name)?)));
        let means: Vec<String> = means.collect();
        println!(
            "geometric mean over {} classes, times Rollcall in process: {}",
            self.lines.len(),
            if means.is_empty() { "nobody else was asked".to_owned() } else { means.join(", ") }
        );
        if let Some(own) = self.own() {
            println!(
                "rollcall in process, p50 over all classes: typical {:.0} µs, geometric mean {:.0} µs, worst {:.0} µs ({})",
                own.typical, own.geomean, own.worst, own.worst_class
            );
        }
        let loads: Vec<String> = self.load_s.iter().map(|(name, s)| format!("{name} {s:.1} s")).collect();
        let memory: Vec<String> = self.rss_mb.iter().map(|(name, mb)| format!("{name} {mb} MB")).collect();
        println!("load with indexes: {}; memory (page cache aside): {}", loads.join(", "), memory.join(", "));
        for line in self.lines.iter().filter(|line| !line.agree) {
            println!("DISAGREE: {}", line.class);
        }
        self.json(goals::told(&self.goals()))
    }

    fn own(&self) -> Option<Latency> {
        Latency::over(self.lines.iter().map(|line| (line.class, line.took[0].p50)))
    }

    /// What a run of the classes can show of what the engine should reach.
    fn goals(&self) -> Vec<Goal> {
        let own: Vec<(&str, Kind, Took)> =
            self.lines.iter().map(|line| (line.class, line.kind, line.took[0])).collect();
        let mut goals: Vec<Goal> = self.beside_peers().into_iter().collect();
        goals.extend(self.beside_postgresql());
        goals.extend(latency::goals(self.contacts, &own));
        let load = |name: &str| self.load_s.iter().find(|(engine, _)| *engine == name).map(|(_, s)| *s);
        let ours = load("rollcall").filter(|_| self.contacts == 1_000_000);
        goals.extend(ours.map(|s| Goal::at_most("load with index", s, 60.0, " s")));
        let both = load("rollcall").zip(load("postgresql"));
        goals.extend(both.map(|(ours, theirs)| Goal::at_most("load, beside PostgreSQL's", ours, theirs, " s")));
        let memory = self.rss_mb.iter().find(|(engine, _)| *engine == "rollcall" && self.contacts == 10_000_000);
        goals.extend(memory.map(|(_, mb)| Goal::at_most("memory", *mb as f64, 8192.0, " MB")));
        goals
    }

    /// That no class is slower than in the better of the databases that were asked.
    fn beside_peers(&self) -> Option<Goal> {
        let peers: Vec<usize> = ["postgresql", "sqlite"].iter().filter_map(|name| self.at(name)).collect();
        let best = |line: &Line| peers.iter().map(|at| line.times(*at)).min_by(f64::total_cmp);
        let slower =
            self.lines.iter().filter_map(|line| Some((line.class, best(line)?))).filter(|(_, best)| *best < 1.0);
        let names: Vec<String> =
            slower.map(|(class, best)| format!("{class} ({} times the better)", goals::short(1.0 / best))).collect();
        let goal = Goal::at_most("classes slower than in the better peer", names.len() as f64, 0.0, "");
        (!peers.is_empty()).then(|| goal.noted(names.join(", ")))
    }

    /// The mean, and counts and facets.
    fn beside_postgresql(&self) -> Vec<Goal> {
        let (Some(at), Some(mean)) = (self.at("postgresql"), self.mean("postgresql")) else { return Vec::new() };
        let mut goals = vec![Goal::at_least("geometric mean beside PostgreSQL", mean, 30.0, " ×")];
        let counted = self.lines.iter().filter(|line| line.kind != Kind::Page);
        let mut counted: Vec<(f64, &str)> = counted.map(|line| (line.times(at), line.class)).collect();
        counted.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((lowest, _)) = counted.first() {
            let below = counted.iter().take_while(|(times, _)| *times < 100.0).count().max(1);
            let names: Vec<String> =
                counted[..below].iter().map(|(times, class)| format!("{class} {} ×", goals::short(*times))).collect();
            let goal = Goal::at_least("lowest of the counts and facets beside PostgreSQL", *lowest, 100.0, " ×");
            goals.push(goal.noted(names.join(", ")));
        }
        goals
    }

    fn json(&self, goals: Json) -> Map<String, Json> {
        let micros = |line: &Line, of: fn(&Took) -> f64| -> Json {
            let each = self.engines.iter().zip(&line.took);
            each.map(|(name, took)| ((*name).to_owned(), round(of(took)))).collect::<Map<_, _>>().into()
        };
        let class = |line: &Line| {
            json!({"class": line.class, "agree": line.agree, "matches": line.matches,
                "p50_us": micros(line, |took| took.p50), "p95_us": micros(line, |took| took.p95)})
        };
        let loads: Map<String, Json> = self.load_s.iter().map(|(name, s)| ((*name).to_owned(), round(*s))).collect();
        let memory: Map<String, Json> =
            self.rss_mb.iter().map(|(name, mb)| ((*name).to_owned(), Json::from(*mb))).collect();
        let means = ["postgresql", "sqlite", "rollcall_http"]
            .map(|name| (format!("geomean_vs_{name}"), self.mean(name).map_or(Json::Null, round)));
        let mut figures = Map::new();
        figures.insert("classes".into(), self.lines.iter().map(class).collect());
        figures.extend(means);
        figures.insert("rollcall_p50_us".into(), json!(self.own()));
        figures.insert("load_s".into(), loads.into());
        figures.insert("rss_mb".into(), memory.into());
        figures.insert("goals".into(), goals);
        figures
    }
}

/// The engine's name where there is little room.
fn tag(engine: &str) -> &str {
    match engine {
        "rollcall_http" => "http",
        "postgresql" => "pg",
        same => same,
    }
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
