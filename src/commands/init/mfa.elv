
# mfa PROFILE: a session in this shell; mfa -u: take it out; mfa: pick one.
edit:add-var mfa~ {|@words|
  var lines = (e:mfa-run mfa --shell elvish -- $@words | slurp)
  if (str:has-prefix $lines "#show\n") {
    print (str:trim-prefix $lines "#show\n")
  } else {
    eval $lines
  }
}

# Profile and time left, for a prompt; nothing, and no program, where there is no session.
edit:add-var mfa-prompt~ {
  if (has-env MFA_RUN_PROFILE) { e:mfa-run status --prompt=elvish | print (slurp)[..-1] }
}
