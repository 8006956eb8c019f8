//! The tables of inputs and outputs in packaging/terraform's READMEs say what the .tf files say, word for word.
//! A failure prints the table as it should be.

const ROOT: [&str; 3] = [
    include_str!("../../packaging/terraform/variables.tf"),
    include_str!("../../packaging/terraform/outputs.tf"),
    include_str!("../../packaging/terraform/README.md"),
];
const ROLES: [&str; 3] = [
    include_str!("../../packaging/terraform/modules/roles/variables.tf"),
    include_str!("../../packaging/terraform/modules/roles/outputs.tf"),
    include_str!("../../packaging/terraform/modules/roles/README.md"),
];

/// `KIND "name" {` ... `}` as terraform fmt leaves it: the name and the lines inside.
fn blocks<'a>(kind: &str, source: &'a str) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut blocks = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(" \"")?.strip_suffix("\" {")) {
            blocks.push((name, lines.by_ref().take_while(|line| *line != "}").collect()));
        }
    }
    blocks
}

/// The value of a block's own attribute, heredocs and objects on one line.
fn attribute(lines: &[&str], name: &str) -> Option<String> {
    let start = lines.iter().position(|line| {
        line.strip_prefix("  ").and_then(|l| l.strip_prefix(name)).is_some_and(|l| l.trim_start().starts_with('='))
    })?;
    let value = lines[start].split_once('=').expect("a value").1.trim();
    let until = |end: &str| {
        let more =
            lines[start + 1..].iter().take_while(|line| line.trim() != end && !line.starts_with(&format!("  {end}")));
        more.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    if value == "<<-EOT" {
        return Some(until("EOT").join(" "));
    }
    match value.strip_suffix("({") {
        Some(kind) => Some(format!("{kind}({{ {} }}{}", until("}").join(", "), ")".repeat(value.matches('(').count()))),
        None => Some(value.trim_matches('"').replace("\\\"", "\"")),
    }
}

fn inputs(source: &str) -> String {
    let mut table = "| name | description | type | default |\n|---|---|---|---|\n".to_owned();
    for (name, lines) in blocks("variable", source) {
        let described = attribute(&lines, "description").expect("a description");
        let kind = attribute(&lines, "type").expect("a type");
        let default = lines.iter().find_map(|l| l.strip_prefix("  default")?.split_once('=')).map(|(_, d)| d.trim());
        let default = default.map_or("required".to_owned(), |d| format!("`{d}`"));
        table += &format!("| `{name}` | {described} | `{kind}` | {default} |\n");
    }
    table
}

fn outputs(source: &str) -> String {
    let mut table = "| name | description |\n|---|---|\n".to_owned();
    for (name, lines) in blocks("output", source) {
        table += &format!("| `{name}` | {} |\n", attribute(&lines, "description").expect("a description"));
    }
    table
}

/// The table below a heading.
fn table(readme: &str, heading: &str) -> String {
    let below = readme.split_once(&format!("\n## {heading}\n")).map_or("", |(_, below)| below);
    let rows = below.lines().skip_while(|l| !l.starts_with('|')).take_while(|l| l.starts_with('|'));
    rows.map(|line| format!("{line}\n")).collect()
}

fn faults([variables, made, readme]: [&str; 3]) -> Vec<String> {
    [("Inputs", inputs(variables)), ("Outputs", outputs(made))]
        .into_iter()
        .filter(|(heading, wanted)| table(readme, heading) != *wanted)
        .map(|(heading, wanted)| format!("## {heading} should be\n\n{wanted}"))
        .collect()
}

#[test]
fn tables_say_what_the_module_says() {
    for files in [ROOT, ROLES] {
        let faults = faults(files);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

#[test]
fn a_new_variable_a_lost_output_and_another_default_are_noticed() {
    let [variables, made, readme] = ROOT;
    assert!(inputs(variables).lines().count() > 10 && outputs(made).lines().count() > 6);
    let added = format!("{variables}\nvariable \"extra\" {{\n  description = \"x\"\n  type        = string\n}}\n");
    let lost = made.replacen("output \"role_ids\"", "output \"other\"", 1);
    let defaulted = variables.replacen("= \"mfa-run\"", "= \"other\"", 1);
    for files in [[&added, made, readme], [variables, &lost, readme], [&defaulted, made, readme]] {
        assert!(faults(files).iter().any(|f| f.contains("should be")), "not noticed");
        assert!(faults(files).len() > faults(ROOT).len(), "not noticed beside what is wrong anyway");
    }
}
