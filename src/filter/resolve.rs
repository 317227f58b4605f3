//! Expr → Filter: names become fields, values become predicates, negative operators become `Not`.

use std::cell::Cell;

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::found::excerpt;
use super::segment::Scope;
use super::value::{Given, ordered};
use super::{Context, Expr, Predicate, op};
use crate::contact::{Catalog, Field, Millis, Mistake, STANDARD, suggest};

/// A filter, resolved: nothing in it can fail any more.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    /// At least one child: an empty `$or` matches everything and is resolved to an empty `And`.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Condition(Condition),
}

/// One condition; a negative operator is a `Not` around its positive twin.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Where it stands in the request.
    pub path: String,
    pub field: Field,
    /// By its name in the table, the negative one where the condition stands in its `Not`.
    pub operator: &'static str,
    pub predicate: Predicate,
    /// What it was read from, where its meaning follows the clock.
    pub moving: Option<Box<Moving>>,
}

/// What a condition on relative times was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Moving {
    pub value: Json,
    pub zone: TimeZone,
}

impl Condition {
    /// Whether the operator as written is the complement of the predicate.
    pub fn is_negative(&self) -> bool {
        op::named(self.operator).is_some_and(op::Operator::is_negative)
    }

    /// The predicate as it will be, or was, at another time; `None` where there is none (before the year 1, say).
    pub fn predicate_at(&self, now: Millis, catalog: &Catalog) -> Option<Predicate> {
        let Some(moving) = &self.moving else { return Some(self.predicate.clone()) };
        let limits = super::Limits { depth_max: 1, conditions_max: 1, list_values_max: 1 };
        let context = Context { catalog, zone: moving.zone.clone(), now, me: None, limits };
        let (conditions, operator) = (Cell::new(0), op::named(self.operator)?);
        let scope = Scope { within: &[], level: 1, conditions: &conditions };
        (operator.read)(&given(&self.path, self.field, operator, &moving.value, &context, &scope)).ok()
    }
}

impl Filter {
    /// The filter that matches every contact.
    pub fn everything() -> Filter {
        Filter::And(Vec::new())
    }

    /// The filter without its negations at the top, and whether their number is odd.
    pub fn positive(&self) -> (&Filter, bool) {
        let (mut filter, mut negated) = (self, false);
        while let Filter::Not(inner) = filter {
            (filter, negated) = (inner, !negated);
        }
        (filter, negated)
    }

    /// Whether the answer can change by time alone.
    pub fn follows_the_clock(&self) -> bool {
        match self {
            Filter::And(children) | Filter::Or(children) => children.iter().any(Filter::follows_the_clock),
            Filter::Not(inner) => inner.follows_the_clock(),
            Filter::Condition(condition) => match &condition.predicate {
                Predicate::Member(inner) => inner.follows_the_clock(),
                _ => condition.moving.is_some(),
            },
        }
    }
}

/// Resolves the tree that stands at `path`.
///
/// # Errors
/// The first mistake.
pub fn resolve(expr: &Expr, path: &str, context: &Context) -> Result<Filter, Mistake> {
    let conditions = Cell::new(0);
    node(expr, path, context, &Scope { within: &[], level: 0, conditions: &conditions })
}

/// Resolves a node below the level of `scope`.
pub(super) fn node(expr: &Expr, path: &str, context: &Context, scope: &Scope) -> Result<Filter, Mistake> {
    let scope = &Scope { level: scope.level + 1, ..*scope };
    let most = context.limits.depth_max;
    if scope.level > most {
        let message = format!(
            "with the segments in it, the filter is nested more than {most} levels deep; at most {most} are allowed"
        );
        return Err(Mistake::new(path, "filter_too_deep", message));
    }
    let children = |nodes: &[Expr], name: &str| {
        let child = |(at, child)| node(child, &format!("{path}.{name}[{at}]"), context, scope);
        nodes.iter().enumerate().map(child).collect::<Result<Vec<_>, _>>()
    };
    match expr {
        Expr::Or(nodes) if nodes.is_empty() => Ok(Filter::everything()),
        Expr::And(nodes) => Ok(Filter::And(children(nodes, "$and")?)),
        Expr::Or(nodes) => Ok(Filter::Or(children(nodes, "$or")?)),
        Expr::Not(inner) => Ok(Filter::Not(Box::new(node(inner, &format!("{path}.$not"), context, scope)?))),
        Expr::Condition { path, field, operator, value } => condition(path, field, operator, value, context, scope),
    }
}

fn condition(
    path: &str,
    field: &str,
    operator: &str,
    value: &Json,
    context: &Context,
    scope: &Scope,
) -> Result<Filter, Mistake> {
    let most = context.limits.conditions_max;
    scope.conditions.set(scope.conditions.get() + 1);
    if scope.conditions.get() > most {
        let message =
            format!("with the segments in it, the filter has more than {most} conditions; at most {most} are allowed");
        return Err(Mistake::new(path, "too_many_conditions", message));
    }
    let field = Field::named(field, context.catalog).ok_or_else(|| unknown_field(field, path, context.catalog))?;
    let kind = field.kind(context.catalog);
    let operator = op::find(operator, kind, field.name(context.catalog), path)?;
    let predicate = (operator.read)(&given(path, field, operator, value, context, scope))?;
    let moving = ordered::follows_the_clock(kind, value)
        .then(|| Box::new(Moving { value: value.clone(), zone: context.zone.clone() }));
    let condition =
        Filter::Condition(Condition { path: path.to_owned(), field, operator: operator.name, predicate, moving });
    Ok(if operator.is_negative() { Filter::Not(Box::new(condition)) } else { condition })
}

fn given<'a>(
    path: &'a str,
    field: Field,
    operator: &'static op::Operator,
    value: &'a Json,
    context: &'a Context<'a>,
    scope: &'a Scope<'a>,
) -> Given<'a> {
    let kind = field.kind(context.catalog);
    Given {
        value,
        path: format!("{path}.value"),
        condition: path,
        field,
        kind,
        operator: operator.name,
        context,
        scope,
    }
}

fn unknown_field(name: &str, path: &str, catalog: &Catalog) -> Mistake {
    let standard =
        STANDARD.iter().map(|row| row.name).chain(STANDARD.iter().flat_map(|row| row.aliases.iter().copied()));
    let slugs = catalog.fields.values().map(|field| field.slug.as_str());
    let hint = match suggest::did_you_mean(name, standard.chain(slugs)) {
        hint if hint.is_empty() => " Use a standard field or the slug of a custom field.".to_owned(),
        hint => hint,
    };
    Mistake::new(format!("{path}.field"), "unknown_field", format!("there is no field {}.{hint}", excerpt(name)))
}
