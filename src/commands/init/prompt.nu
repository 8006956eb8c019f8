
if ($env.PROMPT_COMMAND? | describe) != "closure" or (view source $env.PROMPT_COMMAND) !~ "mfa-prompt" {
    let before = $env.PROMPT_COMMAND? | default ""
    $env.PROMPT_COMMAND = {||
        $"(mfa-prompt)(if ($before | describe) == 'closure' { do $before } else { $before })"
    }
}
