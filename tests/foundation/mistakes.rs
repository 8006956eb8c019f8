//! The matrix is worth what it notices: each mistake is planted into the documents, and some case has to come out wrong.
//! First every small slip anywhere, made by machine; then the ones that people make, by name.

use crate::{ACCOUNT, Case, PRESENT, PRODUCTION, Policies, cases, decide, policies};
use serde_json::{Value, json};

/// Where a statement is: settings, document, number.
type Place = (String, String, usize);

fn places(policies: &Policies) -> Vec<(Place, Value)> {
    let mut places = Vec::new();
    for (settings, documents) in policies {
        for (name, document) in documents {
            for (i, statement) in document["Statement"].as_array().expect("statements").iter().enumerate() {
                places.push(((settings.clone(), name.clone(), i), statement.clone()));
            }
        }
    }
    places
}

/// The statement's place taken by others: none, one, or more.
fn with(policies: &Policies, (settings, name, i): &Place, replacement: Vec<Value>) -> Policies {
    let mut changed = policies.clone();
    let document = changed.get_mut(settings).and_then(|d| d.get_mut(name)).expect("a document");
    document["Statement"].as_array_mut().expect("statements").splice(i..=i, replacement);
    changed
}

/// Only the cases in which the document has a say can tell.
fn noticed(policies: &Policies, place: &Place, replacement: Vec<Value>, cases: &[Case]) -> bool {
    let changed = with(policies, place, replacement);
    cases.iter().filter(|c| c.reads(&place.0, &place.1)).any(|c| decide(&changed, c) != c.expected)
}

/// Every slip that can be made in one statement without knowing what it is for.
fn slips(statement: &Value) -> Vec<(String, Vec<Value>)> {
    let mut slips = vec![("the statement is gone".to_owned(), vec![])];
    let mut slip = |what: String, change: &dyn Fn(&mut Value)| {
        let mut changed = statement.clone();
        change(&mut changed);
        if changed != *statement {
            slips.push((what, vec![changed]));
        }
    };
    for (operator, tests) in statement["Condition"].as_object().into_iter().flatten() {
        slip(format!("no {operator}"), &|s| drop(s["Condition"].as_object_mut().expect("a map").remove(operator)));
        let other = match operator.strip_suffix("IfExists") {
            Some(base) => base.to_owned(),
            None => format!("{operator}IfExists"),
        };
        // Null has no such form.
        if operator != "Null" {
            slip(format!("{other} for {operator}"), &|s| {
                let condition = s["Condition"].as_object_mut().expect("a map");
                condition.remove(operator);
                condition.insert(other.clone(), tests.clone());
            });
        }
        for (key, value) in tests.as_object().expect("keys") {
            let opposite = match value.as_str() {
                Some("true") => "false",
                Some("false") => "true",
                Some("3600") => "36000",
                _ => "${aws:userid}",
            };
            slip(format!("{key} is {opposite}"), &|s| s["Condition"][operator][key] = json!(opposite));
        }
    }
    for element in ["Action", "NotAction"] {
        for (i, action) in statement[element].as_array().into_iter().flatten().enumerate() {
            slip(format!("{element} without {action}"), &|s| {
                drop(s[element].as_array_mut().expect("a list").remove(i))
            });
        }
        if !statement[element].is_null() {
            slip(format!("{element} *"), &|s| s[element] = json!("*"));
            slip(format!("{element} sts:*"), &|s| s[element] = json!("sts:*"));
            slip(format!("{element} iam:*"), &|s| s[element] = json!("iam:*"));
        }
    }
    for (i, resource) in statement["Resource"].as_array().into_iter().flatten().enumerate() {
        slip(format!("Resource without {resource}"), &|s| {
            drop(s["Resource"].as_array_mut().expect("a list").remove(i))
        });
    }
    if !statement["Resource"].is_null() {
        slip("Resource *".to_owned(), &|s| s["Resource"] = json!("*"));
    }
    if !statement["Principal"].is_null() {
        slip("anybody in the world".to_owned(), &|s| s["Principal"] = json!({ "AWS": "*" }));
        slip("another account".to_owned(), &|s| {
            s["Principal"] = json!({ "AWS": format!("arn:aws:iam::{PRODUCTION}:root") })
        });
    }
    let other = if statement["Effect"] == "Allow" { "Deny" } else { "Allow" };
    slip(format!("Effect {other}"), &|s| s["Effect"] = json!(other));
    slips
}

#[test]
fn every_slip_in_any_statement_is_noticed() {
    let (policies, cases) = (policies(), cases());
    let (mut tried, mut missed) = (0, Vec::new());
    for (place, statement) in places(&policies) {
        for (what, replacement) in slips(&statement) {
            tried += 1;
            if !noticed(&policies, &place, replacement, &cases) {
                missed.push(format!("{}/{} {}: {what}", place.0, place.1, statement["Sid"]));
            }
        }
    }
    assert!(tried > 300, "only {tried} slips were tried");
    assert!(missed.is_empty(), "{} of {tried} not noticed:\n{}", missed.len(), missed.join("\n"));
}

/// settings/document, Sid, what somebody did to the statement.
type Mistake = (&'static str, (&'static str, &'static str, &'static str), fn(&mut Value));

const MISTAKES: &[Mistake] = &[
    ("BoolIfExists in the trust policy, as tutorials have it", ("defaults", "trust_admin", "OnlyWithMfa"), |s| {
        s["Condition"] = json!({ "BoolIfExists": { PRESENT: "true" } });
    }),
    ("BoolIfExists in the group policy", ("defaults", "assume_admin", "AssumeOneRole"), |s| {
        s["Condition"] = json!({ "BoolIfExists": { PRESENT: "true" } });
    }),
    ("no MFA for the role of the second account", ("production", "trust_admin", "OnlyWithMfa"), |s| {
        s["Condition"].as_object_mut().expect("a map").remove("Bool");
    }),
    ("the second account trusts itself", ("production", "trust_admin", "OnlyWithMfa"), |s| {
        s["Principal"] = json!({ "AWS": format!("arn:aws:iam::{PRODUCTION}:root") });
    }),
    ("the extra level reaches the admin role", ("defaults", "assume_billing", "AssumeOneRole"), |s| {
        s["Resource"] = json!([
            format!("arn:aws:iam::{ACCOUNT}:role/mfa-billing"),
            format!("arn:aws:iam::{ACCOUNT}:role/mfa-admin")
        ]);
    }),
    ("any role of that name in any account", ("defaults", "assume_production", "AssumeOneRole"), |s| {
        s["Resource"] = json!("arn:aws:iam::*:role/mfa-admin");
    }),
    ("Bool in the Deny", ("defaults", "self_service", "NothingElseWithoutMfa"), |s| {
        s["Condition"] = json!({ "Bool": { PRESENT: "false" } });
    }),
    ("AssumeRole excepted from the Deny", ("defaults", "self_service", "NothingElseWithoutMfa"), |s| {
        s["NotAction"].as_array_mut().expect("a list").push(json!("sts:AssumeRole"));
    }),
    ("access keys excepted from the Deny", ("strict", "self_service", "NothingElseWithoutMfa"), |s| {
        s["NotAction"].as_array_mut().expect("a list").push(json!("iam:*AccessKey"));
    }),
    ("Deactivate excepted from the Deny", ("defaults", "self_service", "NothingElseWithoutMfa"), |s| {
        s["NotAction"].as_array_mut().expect("a list").push(json!("iam:*MFADevice"));
    }),
    ("Deactivate among what needs no MFA", ("defaults", "self_service", "OwnPasswordAndDevices"), |s| {
        s["Action"].as_array_mut().expect("a list").push(json!("iam:DeactivateMFADevice"));
    }),
    ("whoever's name ends like mine", ("defaults", "self_service", "OwnPasswordAndDevices"), |s| {
        s["Resource"] = json!(format!("arn:aws:iam::{ACCOUNT}:user/*${{aws:username}}"));
    }),
    ("whoever's device begins like mine", ("defaults", "self_service", "OwnUnusedDevices"), |s| {
        s["Resource"] = json!(format!("arn:aws:iam::{ACCOUNT}:mfa/${{aws:username}}*"));
    }),
    ("everybody's devices, as consoles want it", ("defaults", "self_service", "OwnUnusedDevices"), |s| {
        s["Resource"] = json!(format!("arn:aws:iam::{ACCOUNT}:mfa/*"));
    }),
    ("sessions without MFA may not enrol, keys may", ("strict", "self_service", "NoEnrolmentWithAccessKey"), |s| {
        s["Condition"] = json!({ "Null": { PRESENT: "false" } });
    }),
    ("any session name", ("strict", "trust_readonly", "OnlyWithMfa"), |s| {
        s["Condition"].as_object_mut().expect("a map").remove("StringEquals");
    }),
    ("no MFA in the trust policy where the groups do not ask", ("trust_only", "trust_admin", "OnlyWithMfa"), |s| {
        s.as_object_mut().expect("a statement").remove("Condition");
    }),
];

#[test]
fn every_mistake_that_people_make_is_noticed() {
    let (policies, cases) = (policies(), cases());
    for (what, (settings, name, sid), make) in MISTAKES {
        let (place, mut statement) = places(&policies)
            .into_iter()
            .find(|((s, n, _), statement)| s == settings && n == name && statement["Sid"] == *sid)
            .unwrap_or_else(|| panic!("no statement {settings}/{name}/{sid}"));
        let before = statement.clone();
        make(&mut statement);
        assert_ne!(statement, before, "{what}: nothing was planted");
        assert!(noticed(&policies, &place, vec![statement], &cases), "not noticed: {what}");
    }
}
