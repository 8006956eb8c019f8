
# an environment variable is the only thing that says here whether it was done
if (not-eq $pid (if (has-env __mfa_run_prompt) { get-env __mfa_run_prompt } else { put '' })) {
  set-env __mfa_run_prompt $pid
  var before = $edit:prompt
  var segment = { if (has-env MFA_RUN_PROFILE) { print (e:mfa-run status --prompt=elvish | slurp)[..-1] } }
  set edit:prompt = { $segment; $before }
}
