
# mfa PROFILE: a session in this shell; mfa -u: take it out; mfa: pick one.
unalias mfa 2>/dev/null || :
function mfa {
  local lines
  lines="$(command mfa-run mfa --shell zsh -- "$@")" || return
  case "$lines" in
    '#show'*) printf '%s\n' "${lines#*
}" ;;
    *) eval "$lines" ;;
  esac
}

# Profile and time left, for a prompt; nothing, and no program, where there is no session.
function mfa_prompt {
  local code=$?
  [ -z "${MFA_RUN_PROFILE-}" ] || command mfa-run status --prompt=zsh
  return "$code"
}
