
function awsume --description 'a session of an AWS profile in this shell (mfa-run)'
    set -l lines (command mfa-run awsume --shell fish -- $argv)
    or return
    if test "$lines[1]" = '#show'
        string join \n -- $lines[2..]
    else
        string join \n -- $lines | source
    end
end
complete -c awsume -f -k -a '(__mfa_run_complete)'
