function awsume {
    $program = (Get-Command mfa-run -CommandType Application -TotalCount 1).Source
    $lines = @(& $program awsume --shell powershell -- @args)
    if ($LASTEXITCODE -ne 0) { return }
    if ($lines.Count -gt 0 -and $lines[0] -eq '#show') { $lines | Select-Object -Skip 1 }
    elseif ($lines.Count -gt 0) { $lines | Out-String | Invoke-Expression }
}
