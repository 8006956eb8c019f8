
# `function` keeps an alias of that name, which awsume's installer made, from being expanded in this very line; the alias
# would win over the function, so it goes.
unalias awsume 2>/dev/null || :
function awsume {
  local lines
  lines="$(command mfa-run awsume --shell bash -- "$@")" || return
  case "$lines" in
    '#show'*) printf '%s\n' "${lines#*
}" ;;
    *) eval "$lines" ;;
  esac
}
complete -F _mfa_run awsume
