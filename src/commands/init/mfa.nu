
# Puts a session of a profile into this shell; -u takes it out; alone it lets you pick one.
@complete "nu-complete mfa-run"
def --env --wrapped mfa [...words: string] {
    let lines = ^mfa-run mfa --shell nu -- ...$words
    if ($lines | str starts-with "#show") {
        print ($lines | lines | skip 1 | str join "\n")
    } else {
        $lines | from nuon | load-env
    }
}

# Profile and time left, for a prompt; nothing, and no program, where there is no session.
def mfa-prompt [] {
    if ($env.MFA_RUN_PROFILE? | is-empty) { "" } else { ^mfa-run status --prompt=nu | str trim --right --char "\n" }
}
