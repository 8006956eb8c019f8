
# mfa PROFILE: a session in this shell; mfa -u: take it out; mfa: pick one.
function mfa {
    $program = (Get-Command mfa-run -CommandType Application -TotalCount 1).Source
    $lines = @(& $program mfa --shell powershell -- @args)
    if ($LASTEXITCODE -ne 0) { return }
    if ($lines.Count -gt 0 -and $lines[0] -eq '#show') { $lines | Select-Object -Skip 1 }
    elseif ($lines.Count -gt 0) { $lines | Out-String | Invoke-Expression }
}

# Profile and time left, for a prompt; nothing, and no program, where there is no session.
function mfa_prompt {
    if ($Env:MFA_RUN_PROFILE) {
        $code = $global:LASTEXITCODE
        & (Get-Command mfa-run -CommandType Application -TotalCount 1).Source status --prompt=powershell
        $global:LASTEXITCODE = $code
    }
}
