# Completion of mfa-run, and of the function mfa, for PowerShell. `mfa-run completions powershell` prints this.
Register-ArgumentCompleter -Native -CommandName mfa-run, mfa -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    $current = "$wordToComplete" -replace '^[''"]|[''"]$', ''
    $program = (Get-Command mfa-run -CommandType Application -TotalCount 1 -ErrorAction Ignore).Source
    if (-not $program) { return }
    $lines = @(& $program complete powershell -- @before "=$current" 2>$null)
    if ($lines.Count -eq 0) { return }
    if ($lines[0] -eq 'command') {
        $line = (@($before | Select-Object -Skip ($before.IndexOf('--') + 1)) + $current) -join ' '
        return (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches
    }
    foreach ($line in $lines | Select-Object -Skip 1) {
        $text, $shown, $help = $line -split "`t", 3
        [System.Management.Automation.CompletionResult]::new($text, $shown, 'ParameterValue', $help)
    }
}
