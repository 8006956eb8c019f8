#!/usr/bin/env python3
"""complete.py bash|zsh COMMAND...: at a terminal of that shell, started by COMMAND, Tab completes what the package brought: a
command, and a profile's name out of ~/.aws/config."""

import os
import pty
import select
import sys
import time

SHELLS = {
    "bash": (["bash", "--norc", "-i"], ". /usr/share/bash-completion/bash_completion"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit && compinit -u -d /tmp/zcompdump"),
}
# What is typed before Tab, and what the shell has to add, which is nowhere in it.
TYPED = [("mfa-run credential-pr", "ocess"), ("mfa-run -p ad", "min"), ("mfa-run logout -p adm", "in")]


def main(shell, *command):
    program, set_up = SHELLS[shell]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], [*command, *program])

    def read_until(wanted, seconds):
        seen, until = "", time.monotonic() + seconds
        while wanted not in seen and time.monotonic() < until:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    seen += os.read(terminal, 4096).decode(errors="replace")
                except OSError:
                    break
        return seen

    def send(text):
        os.write(terminal, text.encode())

    try:
        send(f"PS1='> '; {set_up}; echo rea''dy\n")
        read_until("ready\r\n", 30)
        read_until("> ", 10)
        time.sleep(0.3)  # from the prompt to the line editor, which takes the terminal over
        for typed, wanted in TYPED:
            send(typed)
            read_until(typed, 10)
            send("\t")
            seen = read_until(wanted, 10)
            if wanted not in seen:
                sys.exit(f"{shell}: {typed}[Tab] gave {seen!r}")
            print(f"{shell}: {typed}[Tab] gave {seen!r}")
            send("\x15")  # forget this line
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
