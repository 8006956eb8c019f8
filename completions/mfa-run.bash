# Completion of mfa-run, and of the function mfa, for bash 3.2 and newer. `mfa-run completions bash` prints this.
_mfa_run() {
  local answer line i
  COMPREPLY=()
  answer=$(command mfa-run complete bash -- "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null) || return 0
  case $answer in
    command*)
      for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -- ]] && break
      done
      if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$((i + 1))"
      elif declare -F _command_offset >/dev/null; then
        _command_offset "$((i + 1))"
      elif ((i + 1 == COMP_CWORD)) && [[ ${COMP_WORDS[COMP_CWORD]} != */* ]]; then
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
      else
        compopt -o bashdefault -o default 2>/dev/null
      fi
      ;;
    files*) compopt -o bashdefault -o default 2>/dev/null ;;
    values*)
      while IFS= read -r line; do COMPREPLY+=("$line"); done <<<"$answer"
      COMPREPLY=("${COMPREPLY[@]:1}")
      ;;
  esac
}
complete -F _mfa_run mfa-run mfa
