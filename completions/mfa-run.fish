# Completion of mfa-run, and of the function mfa, for fish. `mfa-run completions fish` prints this.
function __mfa_run_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (command mfa-run complete fish -- $words $current 2>/dev/null)
    switch "$answer[1]"
        case command
            set -l end (contains -i -- -- $words)
            set -e words[1..$end]
            complete -C (string join ' ' -- (string escape -- $words) $current)
        case files
            set -l option (string match -r -- '^--[^=]*=' $current)
            printf "$option%s\n" (__fish_complete_path (string replace -r -- '^--[^=]*=' '' $current))
        case values
            string join \n -- $answer[2..]
    end
end
complete -c mfa-run -f -k -a '(__mfa_run_complete)'
complete -c mfa -f -k -a '(__mfa_run_complete)'
