
if not functions fish_prompt | string match -q '*mfa_prompt*'
    functions -e __mfa_run_fish_prompt
    functions -c fish_prompt __mfa_run_fish_prompt
    function fish_prompt
        mfa_prompt
        __mfa_run_fish_prompt
    end
end
