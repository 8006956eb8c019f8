
if ("$function:prompt" -notlike '*mfa_prompt*') {
    $global:__mfaRunPrompt = $function:prompt
    function global:prompt { "$(mfa_prompt)$(& $global:__mfaRunPrompt)" }
}
