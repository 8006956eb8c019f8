//! `awsume -l`: the table, to the letter, for what reads it. `[sso-session x]` and `[services x]` are no profiles here, as they are
//! in awsume 4.5; where both files have a key the credentials file wins, as in the SDKs.

use crate::config::{Files, Profile};
use crate::session::index::Index;
use crate::terminal::escape;

const TITLES: [&str; 7] = ["PROFILE", "TYPE", "SOURCE", "MFA?", "REGION", "PARTITION", "ACCOUNT"];

/// The table with what stands above it. `more` adds accounts that earlier runs learned from AWS; no call is made for it.
pub(super) fn table(files: &Files, index: &Index, more: bool) -> String {
    let mut rows: Vec<[String; 7]> = files
        .profiles()
        .filter(|profile| profile.get("autoawsume").is_none_or(|value| value.text.is_empty()))
        .filter(|profile| !profile.name().contains("auto-refresh-"))
        .map(|profile| row(profile, index, more).map(|cell| escape(&cell).into_owned()))
        .collect();
    rows.sort();
    rows.insert(0, TITLES.map(str::to_owned));
    let length = |text: &str| text.chars().count();
    let widths: Vec<usize> =
        (0..TITLES.len()).map(|at| rows.iter().map(|row| length(&row[at])).max().unwrap_or(0)).collect();
    let title = "AWS Profiles";
    let width = widths.iter().sum::<usize>() + 10;
    let pad = width - title.len();
    let left = pad / 2 + (pad & width & 1);
    let mut text = format!("Listing...\n\n{}{title}{}\n", "=".repeat(left), "=".repeat(pad - left));
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - length(cell))));
        text += &cells.collect::<Vec<_>>().join("  ");
        text.push('\n');
    }
    text
}

fn row(profile: Profile<'_>, index: &Index, more: bool) -> [String; 7] {
    let text = |key| profile.get(key).map(|value| value.text).filter(|text| !text.is_empty());
    let part = |key, at: usize| text(key).and_then(|arn| arn.splitn(6, ':').nth(at)).map(str::to_owned);
    let role = profile.get("role_arn").is_some();
    let source = match (role, text("source_profile"), text("principal_arn")) {
        (true, Some(source), _) => source,
        (true, None, Some(principal)) => principal.rsplit(':').next().unwrap_or_default(),
        _ => "None",
    };
    let known = || {
        let key = text("aws_access_key_id").filter(|_| more)?;
        index.identities.get(key).map(|(_, account)| account.clone())
    };
    let account =
        text("sso_account_id").map(str::to_owned).or_else(|| part("role_arn", 4)).or_else(|| part("mfa_serial", 4));
    [
        profile.name().to_owned(),
        if role { "Role" } else { "User" }.to_owned(),
        source.to_owned(),
        if profile.get("mfa_serial").is_some() { "Yes" } else { "No" }.to_owned(),
        text("region").unwrap_or("None").to_owned(),
        part("role_arn", 1).or_else(|| part("mfa_serial", 1)).unwrap_or_else(|| "?".into()),
        account.or_else(known).unwrap_or_else(|| "Unavailable".into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_awsumes() {
        let config =
            b"[profile base]\nmfa_serial = arn:aws:iam::123456789012:mfa/a\n[sso-session s]\nx = 1\n[profile admin]\n\
                       role_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\nregion = eu-west-1\n\
                       mfa_serial = arn:aws:iam::123456789012:mfa/a\n";
        let table = table(&Files::from_bytes(config, b""), &Index::default(), false);
        let expected = "Listing...\n\n\
            =========================AWS Profiles========================\n\
            PROFILE  TYPE  SOURCE  MFA?  REGION     PARTITION  ACCOUNT     \n\
            admin    Role  base    Yes   eu-west-1  aws        123456789012\n\
            base     User  None    Yes   None       aws        123456789012\n";
        assert_eq!(table, expected);
    }
}
