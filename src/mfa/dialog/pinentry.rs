//! pinentry, by the Assuan protocol: lines of at most 1000 bytes each way, in which `%`, control characters and what is not ASCII
//! are `%XX`. See `info assuan`, and pinentry's manual.

use super::{Answer, Question, child, seconds_left};
use crate::env::Env;
use crate::mfa::tty;
use crate::terminal::{Modes, escape};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;
use zeroize::Zeroizing;

/// Assuan's limit for a line, its end included.
const LONGEST_LINE: usize = 1000;
/// libgpg-error's codes, in the low 16 bits of what `ERR` says.
const CANCELED: [u32; 2] = [99, 114];
const TIMEOUT: u32 = 62;
/// It is told to give up so many seconds before we do, so that it can put the terminal right.
const EARLIER: u64 = 1;

pub(super) fn ask(program: &Path, question: &Question, env: &Env, deadline: Option<Instant>) -> Answer {
    // whatever ends it, the terminal is to be as it was
    let terminal = tty::Terminal::open().is_ok();
    let _put_back = terminal.then(Modes::save).flatten();
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(env.vars_without_secrets())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let answer = match Pinentry::new(&mut child, deadline) {
        Some(mut pinentry) => pinentry.converse(question, env, terminal).unwrap_or_else(|answer| answer),
        None => Answer::Failed("it has no streams".into()),
    };
    child::end(&mut child, false);
    answer
}

/// One line of what it says.
#[derive(Debug)]
enum Line {
    Ok,
    Data(Zeroizing<Vec<u8>>),
    Error {
        code: u32,
        description: String,
    },
    /// Status and comments.
    Other,
}

/// What a command came to: its data, or the code and description of the error.
type Reply = Result<Zeroizing<Vec<u8>>, (u32, String)>;

struct Pinentry {
    input: ChildStdin,
    lines: Receiver<Zeroizing<Vec<u8>>>,
    deadline: Option<Instant>,
}

impl Pinentry {
    fn new(child: &mut Child, deadline: Option<Instant>) -> Option<Self> {
        let (input, output) = (child.stdin.take()?, child.stdout.take()?);
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || read_lines(output, |line| sender.send(line).is_ok()));
        Some(Self { input, lines, deadline })
    }

    fn converse(&mut self, question: &Question, env: &Env, terminal: bool) -> Result<Answer, Answer> {
        if let Err((_, description)) = self.answer()? {
            return Err(Answer::Failed(escape(&description).into_owned()));
        }
        for (option, value) in options(env, terminal) {
            // an older one does not know them all
            let _ = self.command(&format!("OPTION {option}={}", encode(&value)))?;
        }
        if let Some(deadline) = self.deadline {
            let seconds = seconds_left(deadline).saturating_sub(EARLIER).max(1);
            let _ = self.command(&format!("SETTIMEOUT {seconds}"))?;
        }
        self.set("SETTITLE", question.title)?;
        self.set("SETDESC", &question.text)?;
        self.set("SETPROMPT", "Code:")?;
        if let Some(notice) = &question.notice {
            self.set("SETERROR", notice)?;
        }
        match self.command("GETPIN")? {
            Ok(given) => Ok(Answer::Given(given)),
            Err((code, _)) if CANCELED.contains(&code) => Ok(Answer::Cancelled),
            Err((TIMEOUT, _)) => Ok(Answer::TooLate),
            Err((_, description)) => Ok(Answer::Failed(escape(&description).into_owned())),
        }
    }

    /// A command that has to be taken.
    fn set(&mut self, command: &str, text: &str) -> Result<(), Answer> {
        match self.command(&format!("{command} {}", encode(text)))? {
            Ok(_) => Ok(()),
            Err((_, description)) => Err(Answer::Failed(format!("{command}: {}", escape(&description)))),
        }
    }

    /// Has it done. The error ends it all.
    fn command(&mut self, line: &str) -> Result<Reply, Answer> {
        let line = fitting(line);
        let sent = self.input.write_all(line.as_bytes()).and_then(|()| self.input.write_all(b"\n"));
        sent.map_err(|error| Answer::Failed(error.to_string()))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Reply, Answer> {
        let mut data = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        loop {
            let line = match self.deadline {
                None => self.lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            };
            match line {
                Ok(line) => match Line::parse(&line) {
                    Line::Ok => return Ok(Ok(data)),
                    Line::Data(more) if data.len() + more.len() <= LONGEST_LINE => data.extend_from_slice(&more),
                    Line::Data(_) => return Err(Answer::Failed("it says too much".into())),
                    Line::Error { code, description } => return Ok(Err((code, description))),
                    Line::Other => {}
                },
                Err(RecvTimeoutError::Timeout) => return Err(Answer::TooLate),
                Err(RecvTimeoutError::Disconnected) => return Err(Answer::Failed("it ended without an answer".into())),
            }
        }
    }
}

impl Line {
    fn parse(line: &[u8]) -> Self {
        let (word, rest) = match line.iter().position(|byte| *byte == b' ') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &[][..]),
        };
        match word {
            b"OK" => Self::Ok,
            b"D" => Self::Data(decode(rest)),
            b"ERR" => {
                let text = String::from_utf8_lossy(&decode(rest)).into_owned();
                let (code, description) = text.split_once(' ').unwrap_or((&text, ""));
                let code = code.parse::<u32>().map_or(0, |code| code & 0xffff);
                Self::Error { code, description: if description.is_empty() { text } else { description.to_owned() } }
            }
            _ => Self::Other,
        }
    }
}

/// Where it may show itself, and how.
fn options(env: &Env, terminal: bool) -> Vec<(&'static str, String)> {
    let var = |name| env.var(name).map(str::to_owned);
    let mut options = Vec::new();
    if terminal {
        options.push(("ttyname", "/dev/tty".to_owned()));
        options.extend(var("TERM").map(|term| ("ttytype", term)));
    }
    options.extend(var("DISPLAY").map(|display| ("display", display)));
    let language = var("LC_ALL").or_else(|| var("LC_CTYPE")).or_else(|| var("LANG"));
    options.extend(language.map(|language| ("lc-ctype", language)));
    options
}

/// What it says, line by line, without their ends; ends with the stream, with a line that is too long, or where nobody listens.
fn read_lines(mut from: impl Read, mut tell: impl FnMut(Zeroizing<Vec<u8>>) -> bool) {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    // Security: byte by byte, because a buffered reader's buffer is not wiped; there are few of them.
    let mut byte = Zeroizing::new([0; 1]);
    while line.len() <= LONGEST_LINE {
        match from.read(&mut *byte) {
            Ok(1) if byte[0] == b'\n' => {
                let whole = std::mem::replace(&mut line, Zeroizing::new(Vec::with_capacity(LONGEST_LINE)));
                if !tell(whole) {
                    return;
                }
            }
            Ok(1) => line.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

/// Printable ASCII but `%` and `\` as it is, the rest as `%XX`: no text ends its line, or is anything but text.
fn encode(text: &str) -> String {
    let mut line = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'%' | b'\\' => line.push_str(&format!("%{byte:02X}")),
            b' '..=b'~' => line.push(byte.into()),
            _ => line.push_str(&format!("%{byte:02X}")),
        }
    }
    line
}

/// `%XX` is a byte; a `%` before anything else is itself.
fn decode(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let digit = |at: usize| text.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high << 4 | low).unwrap_or_default());
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    bytes
}

/// A line within the limit, cut between two characters: not in the middle of a `%XX`, or of a character that takes several.
fn fitting(line: &str) -> &str {
    if line.len() < LONGEST_LINE {
        return line;
    }
    let bytes = line.as_bytes();
    let mut end = LONGEST_LINE - 1;
    let escape_at = |at: usize| bytes.get(at) == Some(&b'%');
    // back out of an escape, then over the continuation bytes (`%80` to `%BF`) to the character's first
    while (1..=2).any(|back| end >= back && escape_at(end - back)) {
        end -= 1;
    }
    while escape_at(end) && matches!(bytes.get(end + 1), Some(b'8' | b'9' | b'A' | b'B')) {
        end -= 3;
    }
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_anything_but_text() {
        for (text, line) in [
            ("MFA code for arn:aws:iam::1:mfa/a (profile b):", "MFA code for arn:aws:iam::1:mfa/a (profile b):"),
            ("100%", "100%25"),
            ("%0A", "%250A"),
            ("a\nGETPIN", "a%0AGETPIN"),
            ("a\r\n", "a%0D%0A"),
            ("\\n", "%5Cn"),
            ("\0\x1b\x7f", "%00%1B%7F"),
            ("prüfung…", "pr%C3%BCfung%E2%80%A6"),
            ("", ""),
        ] {
            assert_eq!(encode(text), line);
            assert_eq!(decode(line.as_bytes()).as_slice(), text.as_bytes(), "{text:?} comes back");
        }
        for (line, bytes) in
            [("%", "%"), ("%2", "%2"), ("%zz", "%zz"), ("%25%", "%%"), ("%31%32", "12"), ("a%0ab", "a\nb")]
        {
            assert_eq!(decode(line.as_bytes()).as_slice(), bytes.as_bytes(), "{line}");
        }
    }

    #[test]
    fn a_line_keeps_the_limit_and_its_characters() {
        for text in
            ["a".repeat(2000), "%".repeat(700), "ü".repeat(700), "…".repeat(700), format!("a{}", "😀".repeat(300))]
        {
            for start in 0..12 {
                let line = format!("SETDESC {}{}", "x".repeat(start), encode(&text));
                let cut = fitting(&line);
                assert!(cut.len() < LONGEST_LINE && cut.len() > LONGEST_LINE - 13, "{}", cut.len());
                let shown = decode(&cut.as_bytes()[8 + start..]);
                let shown = std::str::from_utf8(&shown).expect("no half characters");
                assert!(text.starts_with(shown));
            }
        }
        assert_eq!(fitting("SETTITLE mfa-run"), "SETTITLE mfa-run");
    }

    #[test]
    fn what_it_says_is_read() {
        assert!(matches!(Line::parse(b"OK Pleased to meet you"), Line::Ok));
        assert!(matches!(Line::parse(b"OK"), Line::Ok));
        assert!(matches!(Line::parse(b"S PIN_REPEATED"), Line::Other));
        assert!(matches!(Line::parse(b"# comment"), Line::Other));
        assert!(matches!(Line::parse(b""), Line::Other));
        assert!(matches!(Line::parse(b"D 123%20456"), Line::Data(data) if data.as_slice() == b"123 456"));
        for (line, expected) in [
            (&b"ERR 83886179 Operation cancelled <Pinentry>"[..], (99, "Operation cancelled <Pinentry>")),
            (b"ERR 83886142 Timeout <Pinentry>", (62, "Timeout <Pinentry>")),
            (b"ERR nonsense", (0, "ERR nonsense".strip_prefix("ERR ").unwrap())),
        ] {
            match Line::parse(line) {
                Line::Error { code, description } => assert_eq!((code, description.as_str()), expected),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn lines_are_read_whole_and_not_without_end() {
        let mut lines = Vec::new();
        read_lines(&b"OK\nD 12\nrest"[..], |line| {
            lines.push(String::from_utf8_lossy(&line).into_owned());
            true
        });
        assert_eq!(lines, ["OK", "D 12"]);
        let mut count = 0;
        read_lines(std::io::repeat(b'x'), |_| {
            count += 1;
            true
        });
        assert_eq!(count, 0, "a line that never ends is given up");
    }
}
