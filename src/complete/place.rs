//! Where the cursor is in a command line: which command, behind which option. Reads what is there as the parser would,
//! as far as that goes for a line that is not finished.

use super::Candidate;
use clap::{Arg, ArgAction, Command, ValueHint};

/// Where the cursor is.
pub(super) struct Place {
    pub(super) wanted: Wanted,
    /// What of the word stands before the value: `--profile=`.
    pub(super) prefix: String,
}

/// What can stand there.
pub(super) enum Wanted {
    Profile,
    Files,
    Command,
    OneOf(Vec<Candidate>),
}

impl Place {
    /// `before` are the words between the program's name and the one at the cursor.
    pub(super) fn find(root: &Command, before: &[String], current: &str) -> Self {
        let mut reader =
            Reader { root, command: root, used: Vec::new(), positionals: 0, only_positionals: false, lost: false };
        let mut words = before.iter();
        while let Some(word) = words.next() {
            // the word behind it is its value
            if let Some(option) = reader.read(word)
                && words.next().is_none()
            {
                return Self { wanted: values(option), prefix: String::new() };
            }
        }
        reader.at_cursor(current)
    }
}

struct Reader<'a> {
    root: &'a Command,
    command: &'a Command,
    /// Options that are there already.
    used: Vec<&'a str>,
    positionals: usize,
    /// Behind `--`.
    only_positionals: bool,
    /// A word of which the parser would complain.
    lost: bool,
}

impl<'a> Reader<'a> {
    /// Takes a whole word; the option whose value comes next.
    fn read(&mut self, word: &str) -> Option<&'a Arg> {
        if self.only_positionals || word == "-" || !word.starts_with('-') {
            self.take(word);
            return None;
        }
        if word == "--" {
            self.only_positionals = true;
            return None;
        }
        let (option, attached) = match word.strip_prefix("--") {
            Some(long) => {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                (self.long(name)?, value.is_some())
            }
            None => {
                let (option, value) = self.cluster(&word[1..])?;
                (option, !value.is_empty())
            }
        };
        self.used.push(option.get_id().as_str());
        (takes_next(option) && !attached).then_some(option)
    }

    fn take(&mut self, word: &str) {
        let subcommand = (!self.only_positionals && self.positionals == 0).then(|| self.command.find_subcommand(word));
        match subcommand.flatten() {
            Some(command) => *self = Self { command, used: Vec::new(), ..*self },
            None => {
                self.lost |= !self.only_positionals && self.positional().is_none();
                self.positionals += 1;
            }
        }
    }

    fn at_cursor(&self, current: &str) -> Place {
        let place = |wanted| Place { wanted, prefix: String::new() };
        if self.lost {
            return place(Wanted::OneOf(vec![]));
        }
        if self.only_positionals {
            let runs_commands = self.command.get_arguments().any(Arg::is_last_set);
            return place(if runs_commands {
                Wanted::Command
            } else {
                self.positional().map_or(Wanted::OneOf(vec![]), values)
            });
        }
        if let Some((name, _)) = current.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            let wanted = self.long(&name[2..]).map_or(Wanted::OneOf(vec![]), values);
            return Place { wanted, prefix: format!("{name}=") };
        }
        if let Some(short) = current.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-')) {
            // `-padmin`
            if let Some((option, value)) = self.cluster(short).filter(|(option, _)| takes_next(option)) {
                if !value.is_empty() {
                    return Place { wanted: values(option), prefix: current[..current.len() - value.len()].into() };
                }
                return place(Wanted::OneOf(vec![Candidate { value: current.into(), help: help_of(option) }]));
            }
        }
        if current.starts_with('-') {
            return place(Wanted::OneOf(self.options()));
        }
        let commands: Vec<Candidate> = self.subcommands().collect();
        if !commands.is_empty() {
            return place(Wanted::OneOf(commands));
        }
        // where nothing else can stand, the options need no `-` to be shown
        place(self.positional().map_or_else(|| Wanted::OneOf(self.options()), values))
    }

    /// Commands; with an option before them they could not be run.
    fn subcommands(&self) -> impl Iterator<Item = Candidate> {
        let globals = self
            .used
            .iter()
            .all(|used| self.root.get_arguments().any(|arg| arg.is_global_set() && arg.get_id() == used));
        let commands = self.command.get_subcommands().filter(move |command| globals && !command.is_hide_set());
        commands.map(|command| Candidate {
            value: command.get_name().into(),
            help: command.get_about().map(ToString::to_string).unwrap_or_default(),
        })
    }

    /// The argument without a name that comes next.
    fn positional(&self) -> Option<&'a Arg> {
        let mut positionals = self.command.get_positionals().filter(|arg| !arg.is_last_set()).enumerate();
        let next = |arg: &(usize, &Arg)| arg.0 == self.positionals || matches!(arg.1.get_action(), ArgAction::Append);
        positionals.find(next).map(|(_, arg)| arg)
    }

    /// Options that are not there yet, or may be there again.
    fn options(&self) -> Vec<Candidate> {
        let free = |arg: &&Arg| {
            let again = matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
            !arg.is_hide_set() && (again || !self.used.contains(&arg.get_id().as_str()))
        };
        let named =
            |arg: &'a Arg| arg.get_long().map(|long| Candidate { value: format!("--{long}"), help: help_of(arg) });
        let mut options: Vec<Candidate> = self.arguments().filter(free).filter_map(named).collect();
        options.push(Candidate { value: "--help".into(), help: "Print help".into() });
        if std::ptr::eq(self.command, self.root) {
            options.push(Candidate { value: "--version".into(), help: "Print version".into() });
        }
        if self.command.get_arguments().any(Arg::is_last_set) {
            options.push(Candidate { value: "--".into(), help: "The command to run, and its arguments".into() });
        }
        options
    }

    /// The command's own, and those that all commands take.
    fn arguments(&self) -> impl Iterator<Item = &'a Arg> + use<'a> {
        let (root, command) = (self.root, self.command);
        let global = root.get_arguments().filter(move |arg| arg.is_global_set() && !std::ptr::eq(command, root));
        command.get_arguments().chain(global)
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        self.arguments().find(|arg| {
            arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
        })
    }

    /// The last option of a word like `-yp`, and what follows it there: its value, if it takes one.
    fn cluster<'w>(&self, letters: &'w str) -> Option<(&'a Arg, &'w str)> {
        let mut rest = letters.char_indices();
        loop {
            let (at, letter) = rest.next()?;
            let option = self.arguments().find(|arg| arg.get_short() == Some(letter))?;
            let value = &letters[at + letter.len_utf8()..];
            if value.is_empty() || option.get_action().takes_values() {
                return Some((option, value));
            }
        }
    }
}

/// Whether the next word is its value.
fn takes_next(option: &Arg) -> bool {
    let optional = option.get_num_args().is_some_and(|range| range.min_values() == 0);
    option.get_action().takes_values() && !optional && !option.is_require_equals_set()
}

/// What an argument takes: a profile by its name in the help, a file by its type or name, one of a closed set.
fn values(arg: &Arg) -> Wanted {
    if !arg.get_action().takes_values() {
        return Wanted::OneOf(vec![]);
    }
    let called =
        |name: &str| arg.get_value_names().is_some_and(|names| names.iter().any(|found| found.as_str() == name));
    let id = arg.get_id().as_str();
    if matches!(id, "profile" | "source_profile") || called("PROFILE") {
        return Wanted::Profile;
    }
    if called("FILE") || called("PATH") || matches!(arg.get_value_hint(), ValueHint::FilePath | ValueHint::AnyPath) {
        return Wanted::Files;
    }
    let shown = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
    Wanted::OneOf(
        shown
            .map(|value| Candidate {
                value: value.get_name().into(),
                help: value.get_help().map(ToString::to_string).unwrap_or_default(),
            })
            .collect(),
    )
}

fn help_of(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}
