//! The lists of words in docs/json.md are those of the schemas, which other tests hold to be those of the types.
//!
//! A list stands in the page as code spans with commas between, each with a remark or none: "`side` (`waiter`, `holder`:
//! whose stacks they are)"; or as the first column of a table whose head is the name of the field.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

type Words = BTreeSet<String>;

/// A list in the page.
#[derive(Debug)]
struct Listed {
    /// The field whose words they are, where it stands right before them.
    of: Option<String>,
    words: Words,
}

/// A field of a report that has one of a few words, or an object with these as fields.
#[derive(Debug, PartialEq)]
struct Closed {
    field: String,
    words: Words,
    is_object: bool,
}

fn docs() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs").into()
}

fn page() -> String {
    fs::read_to_string(docs().join("json.md")).unwrap()
}

fn schemas() -> Vec<Value> {
    let files = fs::read_dir(docs().join("schema")).unwrap();
    let read = |path: PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    files.map(|file| read(file.unwrap().path())).collect()
}

/// The page as text before each code span, and the span.
fn spans(page: &str) -> Vec<(&str, &str)> {
    let mut parts = page.split('`');
    std::iter::from_fn(|| Some((parts.next()?, parts.next()?))).collect()
}

/// The name of a field, as the page has it.
fn field(span: &str) -> String {
    span.strip_suffix("[]").unwrap_or(span).to_owned()
}

/// Whether a list goes on after this text: a remark in parentheses or plain words, and a comma.
fn goes_on(between: &str) -> bool {
    let rest = match between.strip_prefix(" (") {
        Some(remark) => remark.split_once(')').map(|(_, rest)| rest),
        None => Some(between),
    };
    rest.is_some_and(|rest| {
        rest.trim_end().ends_with(',')
            && !rest.contains([';', ':', '.', '(', ')', '|'])
            && !rest.contains("\n\n")
    })
}

/// Lists in sentences.
fn inline_lists(page: &str) -> Vec<Listed> {
    let mut lists: Vec<Listed> = Vec::new();
    let mut before = None;
    for (text, span) in spans(page) {
        match lists.last_mut().filter(|_| goes_on(text)) {
            Some(list) => {
                list.words.insert(span.to_owned());
            }
            None => {
                let of = before.filter(|_| ["(", ":"].contains(&text.trim())).map(field);
                lists.push(Listed { of, words: Words::from([span.to_owned()]) });
            }
        }
        before = Some(span);
    }
    lists
}

/// Rows of tables whose first head is the name of a field: that name, and the cells.
fn rows(page: &str) -> Vec<(String, Vec<&str>)> {
    let mut head: Option<Option<String>> = None;
    let mut rows = Vec::new();
    for line in page.lines() {
        let Some(line) = line.strip_prefix('|') else {
            head = None;
            continue;
        };
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match &head {
            None => {
                let name = cells[0].strip_prefix('`').and_then(|of| of.strip_suffix('`'));
                head = Some(name.map(field));
            }
            Some(Some(of)) if !cells[0].starts_with('-') => rows.push((of.clone(), cells)),
            Some(_) => {}
        }
    }
    rows
}

fn table_lists(page: &str) -> Vec<Listed> {
    let mut lists = BTreeMap::<String, Words>::new();
    for (of, cells) in rows(page) {
        let words = spans(cells[0]).into_iter().map(|(_, span)| span.to_owned());
        lists.entry(of).or_default().extend(words);
    }
    lists.into_iter().map(|(of, words)| Listed { of: Some(of), words }).collect()
}

fn lists() -> Vec<Listed> {
    let page = page();
    let mut lists = inline_lists(&page);
    lists.extend(table_lists(&page));
    lists
}

/// A schema and all that it is made of.
fn visit(schema: &Value, each: &mut dyn FnMut(&Value)) {
    each(schema);
    match schema {
        Value::Array(items) => items.iter().for_each(|item| visit(item, each)),
        Value::Object(fields) => fields.values().for_each(|field| visit(field, each)),
        _ => {}
    }
}

fn strings(value: &Value) -> Words {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The schema that another one names.
fn referred<'s>(schema: &Value, root: &'s Value) -> Option<&'s Value> {
    root.pointer(schema["$ref"].as_str()?.strip_prefix('#')?)
}

/// The words that a value of this schema is one of.
fn words_of(schema: &Value, root: &Value) -> Option<Words> {
    if let Some(of) = referred(schema, root) {
        return words_of(of, root);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let mut some = any.iter().filter(|of| of["type"] != "null");
        return words_of(some.next()?, root).filter(|_| some.next().is_none());
    }
    if let Some(one) = schema["oneOf"].as_array() {
        let words = |of: &Value| match of["const"].as_str() {
            Some(word) => Some(Words::from([word.to_owned()])),
            None => of.get("enum").map(strings),
        };
        let words: Option<Vec<Words>> = one.iter().map(words).collect();
        return words.map(|words| words.into_iter().flatten().collect());
    }
    match schema.get("items") {
        Some(items) => words_of(items, root),
        None => schema.get("enum").map(strings),
    }
}

/// The words that an object has as fields; such objects need none of them.
fn fields_of(schema: &Value) -> Option<Words> {
    let is_by = schema["type"] == "object" && schema.get("required").is_none();
    let fields = schema["properties"].as_object().filter(|_| is_by)?;
    Some(fields.keys().cloned().collect())
}

/// Of alternatives, the words that tell them apart, by field.
fn tags(one_of: &[Value]) -> BTreeMap<String, Words> {
    let mut tags = BTreeMap::<String, Words>::new();
    for of in one_of {
        for (name, field) in of["properties"].as_object().into_iter().flatten() {
            if let Some(word) = field["const"].as_str() {
                tags.entry(name.clone()).or_default().insert(word.to_owned());
            }
        }
    }
    tags
}

/// Every closed list of all reports, each once.
fn closed_lists() -> Vec<Closed> {
    let mut lists = Vec::new();
    let mut add = |field: &str, words: Words, is_object| {
        let list = Closed { field: field.to_owned(), words, is_object };
        if list.words.len() > 1 && !lists.contains(&list) {
            lists.push(list);
        }
    };
    for root in schemas() {
        visit(&root, &mut |schema| {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                words_of(field, &root).into_iter().for_each(|words| add(name, words, false));
                fields_of(field).into_iter().for_each(|words| add(name, words, true));
            }
            for (name, words) in tags(schema["oneOf"].as_array().map_or(&[], Vec::as_slice)) {
                add(&name, words, false);
            }
        });
    }
    lists
}

#[test]
fn every_closed_list_of_a_report_is_in_the_page() {
    let listed = lists();
    let closed = closed_lists();
    let is_there = |field: &str| closed.iter().any(|list| list.field == field);
    for field in ["verdict", "kind", "precision", "key", "notice_keys", "split", "ending"] {
        assert!(is_there(field), "the schemas should have a list of `{field}`: {closed:#?}");
    }
    let is_missing = |list: &&Closed| listed.iter().all(|of| of.words != list.words);
    let missing: Vec<&Closed> = closed.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "not in docs/json.md, or not as the type has it: {missing:#?}");
}

#[test]
fn every_list_of_the_page_is_one_of_a_report() {
    let closed = closed_lists();
    for list in lists().iter().filter(|list| list.words.len() > 1) {
        let Some(of) = &list.of else { continue };
        let mut of_field = closed.iter().filter(|closed| closed.field == *of && !closed.is_object);
        let is_known = of_field.clone().any(|closed| closed.words == list.words);
        assert!(is_known || of_field.next().is_none(), "docs/json.md, `{of}`: {:?}", list.words);
    }
}

/// Without what stands in parentheses.
fn outside_parentheses(text: &str) -> String {
    let (mut outside, mut depth) = (String::new(), 0_u32);
    for c in text.chars() {
        depth += u32::from(c == '(');
        if depth == 0 {
            outside.push(c);
        }
        depth = depth.saturating_sub(u32::from(c == ')'));
    }
    outside
}

/// The fields of an object with this tag, those of its own alternatives included.
fn fields_beside(schema: &Value, root: &Value, tag: &str) -> Words {
    let mut fields = Words::new();
    let own = schema["properties"].as_object().into_iter().flatten();
    fields.extend(own.map(|(name, _)| name.clone()));
    let alternatives = schema["oneOf"].as_array().into_iter().flatten();
    for of in alternatives.chain(referred(schema, root)) {
        fields.extend(fields_beside(of, root, tag));
    }
    fields.remove(tag);
    fields
}

#[test]
fn tables_of_kinds_name_the_fields_of_each() {
    let mut fields = BTreeMap::new();
    for root in schemas() {
        visit(&root, &mut |schema| {
            for of in schema["oneOf"].as_array().into_iter().flatten() {
                if let Some(kind) = of["properties"]["kind"]["const"].as_str() {
                    fields.insert(kind.to_owned(), fields_beside(of, &root, "kind"));
                }
            }
        });
    }
    let page = page();
    for (of, cells) in rows(&page) {
        let text = outside_parentheses(cells[1]);
        let said: Words = spans(&text).into_iter().map(|(_, span)| field(span)).collect();
        for (_, kind) in spans(cells[0]) {
            assert_eq!(said, fields[kind], "docs/json.md, `{of}`: {kind}");
        }
    }
}

#[test]
fn lists_are_told_from_what_stands_around_them() {
    let words = |page: &str| -> Vec<String> {
        let lists = inline_lists(page).into_iter();
        let text = |list: Listed| {
            let words: Vec<String> = list.words.into_iter().collect();
            Some(format!("{} {}", list.of?, words.join(" ")))
        };
        lists.filter_map(text).collect()
    };
    let side = "`source`, `side` (`waiter`, `holder`: whose they are), `n`";
    assert_eq!(words(side), ["side holder waiter"]);
    let remarks = "null with `because`: `none` (seen), `few` of them, `no_range`. `A`";
    assert_eq!(words(remarks), ["because few no_range none"]);
    assert_eq!(words("`keys[]` (`one`,\n`other`; null elsewhere)"), ["keys one other"]);
    assert!(words("`p50` and `p95`").is_empty());
}
