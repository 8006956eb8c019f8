# Completion of mfa-run, and of the function mfa, for nushell 0.108 and newer. `mfa-run completions nu` prints this.
def "nu-complete mfa-run" [spans: list<string>] {
    try { ^mfa-run complete nu -- ...$spans err> /dev/null | from json } catch { null }
}

@complete "nu-complete mfa-run"
extern "mfa-run" [...words: string]
