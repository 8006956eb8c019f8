//! What no table of the program knows: examples, files, and which pages belong together. A command without a row here fails
//! a test, and so does a row without a command.

/// A command's own words.
#[derive(Debug)]
pub(crate) struct Words {
    /// As it is typed: `mfa-run key import`.
    pub(crate) command: &'static str,
    /// What it goes by.
    pub(crate) reads: Reads,
    /// What for, and what to type.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    /// Commands whose pages to read next; that of mfa-run is added.
    pub(crate) see_also: &'static [&'static str],
}

/// How much of files and environment a command goes by; each has what is before it as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reads {
    Nothing,
    Files,
    Sessions,
    Console,
}

/// File, what it is, and who has to do with it.
pub(crate) const FILES: &[(&str, &str, Reads)] = &[
    ("~/.aws/config, ~/.aws/credentials", "profiles and access keys, as AWS's tools read them", Reads::Files),
    ("~/.local/share/mfa-run/index.json", "which sessions exist and until when; no secret", Reads::Files),
    ("~/.local/share/mfa-run/undo/", "what `mfa-run configure --undo` takes back; no secret", Reads::Files),
    ("~/.local/share/mfa-run/rotations/", "what `mfa-run key rotate` has begun; no secret", Reads::Sessions),
    (
        "~/.local/share/mfa-run/sealed/",
        "sessions and access keys in authenticated ciphertext, where no keychain of the system is used",
        Reads::Sessions,
    ),
];

/// Of the newest release, from CHANGELOG.md; before the first, of these pages.
pub(crate) fn date() -> &'static str {
    let changelog = include_str!("../../CHANGELOG.md");
    let released = changelog.lines().find_map(|line| line.strip_prefix("## [")?.split_once("] - "));
    released.map_or("2026-11-22", |(_, date)| date.trim())
}

pub(crate) const WORDS: &[Words] = &[
    Words {
        command: "mfa-run",
        reads: Reads::Console,
        examples: &[
            ("Run a command with the session of a profile:", "mfa-run -p admin -- terraform plan"),
            ("In this shell:", "eval \"$(mfa-run export -p admin)\""),
            ("For a command that runs longer than a session lives:", "mfa-run --serve -p admin -- terraform apply"),
            (
                "A role that no profile names:",
                "mfa-run --role-arn 123456789012:admin --source-profile alice -- aws s3 ls",
            ),
        ],
        see_also: &["mfa-run credential-process", "mfa-run configure", "mfa-run export", "mfa-run login"],
    },
    Words {
        command: "mfa-run credential-process",
        reads: Reads::Sessions,
        examples: &[(
            "In ~/.aws/config, with the path of the program in full:",
            "[profile admin]\ncredential_process = /usr/bin/mfa-run credential-process --role-arn 123456789012:admin --source-profile alice",
        )],
        see_also: &["mfa-run configure"],
    },
    Words {
        command: "mfa-run export",
        reads: Reads::Sessions,
        examples: &[
            ("In bash, zsh and sh:", "eval \"$(mfa-run export -p admin)\""),
            ("In fish:", "mfa-run export -p admin --format fish | source"),
            ("For a container:", "mfa-run export -p admin --format env-file > session.env"),
            ("Take it away again:", "eval \"$(mfa-run export --unset)\""),
        ],
        see_also: &["mfa-run init", "mfa-run serve"],
    },
    Words {
        command: "mfa-run login",
        reads: Reads::Sessions,
        examples: &[
            ("One code for every role behind the device, for a day:", "mfa-run login -p admin --duration 24h"),
            ("And a session of each of them:", "mfa-run login --all -p admin"),
        ],
        see_also: &["mfa-run logout", "mfa-run status"],
    },
    Words {
        command: "mfa-run write",
        reads: Reads::Sessions,
        examples: &[
            ("For tools that read nothing but the credentials file:", "mfa-run write -p admin --to admin-session"),
            ("What aws-mfa did:", "mfa-run write -p default"),
        ],
        see_also: &["mfa-run configure", "mfa-run logout"],
    },
    Words {
        command: "mfa-run init",
        reads: Reads::Nothing,
        examples: &[
            ("The function mfa, completion and a prompt segment, in ~/.bashrc:", "eval \"$(mfa-run init bash)\""),
            ("awsume's function, in ~/.zshrc:", "eval \"$(mfa-run init zsh --awsume)\""),
        ],
        see_also: &["mfa-run completions", "mfa-run export"],
    },
    Words {
        command: "mfa-run completions",
        reads: Reads::Nothing,
        examples: &[(
            "For a package, or where init is not wanted:",
            "mfa-run completions fish > ~/.config/fish/completions/mfa-run.fish",
        )],
        see_also: &["mfa-run init"],
    },
    Words {
        command: "mfa-run logout",
        reads: Reads::Sessions,
        examples: &[
            ("Forget the sessions of a profile:", "mfa-run logout -p admin"),
            ("Forget all, and the key of the sealed files:", "mfa-run logout --all"),
        ],
        see_also: &["mfa-run login"],
    },
    Words {
        command: "mfa-run key",
        reads: Reads::Sessions,
        examples: &[
            ("From ~/.aws/credentials into the keychain:", "mfa-run key import -p alice"),
            ("A new access key in its place:", "mfa-run key rotate -p alice"),
        ],
        see_also: &["mfa-run key import", "mfa-run key rotate", "mfa-run key list"],
    },
    Words {
        command: "mfa-run key import",
        reads: Reads::Sessions,
        examples: &[
            ("What would change:", "mfa-run key import -p alice --dry-run"),
            ("Every access key of the AWS files:", "mfa-run key import --all"),
            (
                "A new one, that is in no file:",
                "aws iam create-access-key | mfa-run key import -p alice --from-stdin --yes",
            ),
        ],
        see_also: &["mfa-run key list", "mfa-run configure"],
    },
    Words {
        command: "mfa-run key list",
        reads: Reads::Sessions,
        examples: &[("For a script:", "mfa-run key list --json | jq -r '.[].access_key_id'")],
        see_also: &["mfa-run key rotate"],
    },
    Words {
        command: "mfa-run key rotate",
        reads: Reads::Sessions,
        examples: &[
            (
                "The old key is inactive from now on, and deleted by the first run after a day:",
                "mfa-run key rotate -p alice",
            ),
            ("Without a way back:", "mfa-run key rotate -p alice --grace 0"),
        ],
        see_also: &["mfa-run key list", "mfa-run login"],
    },
    Words {
        command: "mfa-run key remove",
        reads: Reads::Sessions,
        examples: &[("A key that no profile names any more:", "mfa-run key remove AKIAIOSFODNN7EXAMPLE")],
        see_also: &["mfa-run key list", "mfa-run key export"],
    },
    Words {
        command: "mfa-run key export",
        reads: Reads::Sessions,
        examples: &[("Back into a file of your own:", "(umask 077; mfa-run key export -p alice > key.txt)")],
        see_also: &["mfa-run key import", "mfa-run key remove"],
    },
    Words {
        command: "mfa-run setup",
        reads: Reads::Sessions,
        examples: &[
            (
                "From a fresh access key to the roles that an administrator gave you:",
                "mfa-run setup --snippet profiles.ini",
            ),
            ("Without moving the access key:", "mfa-run setup --skip key"),
        ],
        see_also: &["mfa-run key import", "mfa-run device enroll", "mfa-run configure", "mfa-run doctor"],
    },
    Words {
        command: "mfa-run device",
        reads: Reads::Nothing,
        examples: &[(
            "A first MFA device, and a second one:",
            "mfa-run device enroll\nmfa-run device enroll --name phone",
        )],
        see_also: &["mfa-run device enroll", "mfa-run device list", "mfa-run setup"],
    },
    Words {
        command: "mfa-run device enroll",
        reads: Reads::Sessions,
        examples: &[
            ("For the access key of another profile:", "mfa-run device enroll -p alice"),
            ("Where the QR code does not fit the terminal:", "mfa-run device enroll --png new.png"),
        ],
        see_also: &["mfa-run device list", "mfa-run configure"],
    },
    Words {
        command: "mfa-run device list",
        reads: Reads::Sessions,
        examples: &[("For a script:", "mfa-run device list --json | jq -r '.[] | select(.usable) | .serial'")],
        see_also: &["mfa-run device enroll", "mfa-run device remove"],
    },
    Words {
        command: "mfa-run device remove",
        reads: Reads::Sessions,
        examples: &[("By the name at its end:", "mfa-run device remove phone")],
        see_also: &["mfa-run device list"],
    },
    Words {
        command: "mfa-run device resync",
        reads: Reads::Sessions,
        examples: &[("The device that the profile names:", "mfa-run device resync -p alice")],
        see_also: &["mfa-run device list"],
    },
    Words {
        command: "mfa-run list",
        reads: Reads::Files,
        examples: &[
            ("Those that need no code for the longest first:", "mfa-run list --sort left"),
            ("Those with both words in name, account, role or Region:", "mfa-run list prod eu-"),
            ("For a script:", "mfa-run list --json | jq -r '.[].profile'"),
        ],
        see_also: &["mfa-run explain", "mfa-run status"],
    },
    Words {
        command: "mfa-run explain",
        reads: Reads::Sessions,
        examples: &[("Why a profile asks for a code:", "mfa-run explain -p admin")],
        see_also: &["mfa-run list"],
    },
    Words {
        command: "mfa-run doctor",
        reads: Reads::Sessions,
        examples: &[
            ("Look at everything, and at one profile:", "mfa-run doctor\nmfa-run doctor -p admin"),
            ("Mend what is safe, asking before each change:", "mfa-run doctor --fix"),
            ("In a script:", "mfa-run doctor --offline --json"),
        ],
        see_also: &["mfa-run configure", "mfa-run explain"],
    },
    Words {
        command: "mfa-run configure",
        reads: Reads::Files,
        examples: &[
            (
                "See what would be changed, then change it:",
                "mfa-run configure -p admin --dry-run\nmfa-run configure -p admin --yes",
            ),
            ("Take it back:", "mfa-run configure --undo -p admin"),
        ],
        see_also: &["mfa-run credential-process"],
    },
    Words {
        command: "mfa-run status",
        reads: Reads::Files,
        examples: &[
            ("In the prompt of a shell:", "PS1='$(mfa-run status --prompt) \\$ '"),
            ("What is cached:", "mfa-run status"),
        ],
        see_also: &["mfa-run list"],
    },
    Words {
        command: "mfa-run console",
        reads: Reads::Console,
        examples: &[
            ("Sign in to the console:", "mfa-run console -p admin"),
            (
                "To one of its pages, in another browser:",
                "mfa-run console -p admin --service cloudwatch/home#logsV2: --browser firefox",
            ),
        ],
        see_also: &["mfa-run login"],
    },
    Words {
        command: "mfa-run serve",
        reads: Reads::Sessions,
        examples: &[
            ("An endpoint for other shells, until Ctrl-C:", "mfa-run serve -p admin"),
            ("The arguments of docker run:", "mfa-run serve -p admin --docker"),
        ],
        see_also: &["mfa-run export"],
    },
];
