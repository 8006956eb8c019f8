
# mfa PROFILE: a session in this shell; mfa -u: take it out; mfa: pick one.
function mfa --description 'a session of an AWS profile in this shell (mfa-run)'
    set -l lines (command mfa-run mfa --shell fish -- $argv)
    or return
    if test "$lines[1]" = '#show'
        string join \n -- $lines[2..]
    else
        string join \n -- $lines | source
    end
end

# Profile and time left, for a prompt; nothing, and no program, where there is no session.
function mfa_prompt
    set -l code $status
    test -n "$MFA_RUN_PROFILE"; and printf %s (command mfa-run status --prompt=fish)
    return $code
end
