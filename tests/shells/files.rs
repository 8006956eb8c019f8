//! Readers of the two file formats: one by the rules of docker's own reader and, where docker is installed, docker itself
//! with a stand-in for its engine; one by the rules of GitHub's runner.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

/// Lines; leading space and lines with `#` dropped; a name without `=` is taken from the caller's environment (none here).
pub(crate) fn as_docker_reads(text: &str) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for line in text.trim_start_matches('\u{feff}').split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').expect("no variable is passed through");
        assert!(!name.is_empty() && !name.contains(char::is_whitespace), "docker refuses {name:?}");
        variables.push((name.to_owned(), value.to_owned()));
    }
    variables.sort();
    variables
}

/// What `docker create --env-file` asks its engine for.
#[expect(clippy::disallowed_methods, reason = "a test's own files")]
pub(crate) fn as_docker_sends(docker: &Path, text: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (socket, file) = (folder.path().join("engine"), folder.path().join("env"));
    std::fs::write(&file, text).unwrap();
    let engine = UnixListener::bind(&socket).unwrap();
    let (send, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for connection in engine.incoming() {
            let (mut connection, send) = (connection.unwrap(), send.clone());
            std::thread::spawn(move || while serve(&mut connection, &send).is_some() {});
        }
    });
    let mut child = Command::new(docker)
        .arg("--host")
        .arg(format!("unix://{}", socket.display()))
        .arg("--config")
        .arg(folder.path())
        .args(["create", "--pull=never", "--env-file"])
        .arg(&file)
        .arg("image")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    let body: serde_json::Value = serde_json::from_slice(&asked.recv().unwrap()).unwrap();
    let entries = body["Env"].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap());
    let mut variables: Vec<_> = entries.map(|entry| own(entry.split_once('=').unwrap())).collect();
    variables.sort();
    variables
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// One request: `create` is sent on and answered with a container's name, everything else with OK.
fn serve(connection: &mut UnixStream, send: &std::sync::mpsc::Sender<Vec<u8>>) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut request = String::new();
    reader.read_line(&mut request).ok().filter(|&read| read > 0)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = if request.contains("/containers/create") {
        send.send(body).ok()?;
        "201 Created\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{\"Id\":\"c\",\"Warnings\":[]}\r\n"
    } else {
        "200 OK\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n"
    };
    write!(connection, "HTTP/1.1 {answer}").ok()
}

/// `NAME=value`, or `NAME<<DELIMITER`, lines, DELIMITER.
pub(crate) fn as_github_reads(text: &str) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let mut lines = text.split_terminator('\n');
    while let Some(line) = lines.next() {
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        if equals.is_some_and(|equals| heredoc.is_none_or(|heredoc| equals < heredoc)) {
            variables.push(own(line.split_once('=').unwrap()));
        } else if let Some((name, delimiter)) = line.split_once("<<") {
            let mut value = Vec::new();
            loop {
                match lines.next().expect("the delimiter ends the value") {
                    line if line == delimiter => break,
                    line => value.push(line),
                }
            }
            variables.push((name.to_owned(), value.join("\n")));
        } else {
            assert!(line.is_empty(), "the runner refuses {line:?}");
        }
    }
    variables.sort();
    variables
}
