
case ${PS1-} in
  *mfa_prompt*) ;;
  *) PS1='${MFA_RUN_PROFILE:+$(mfa_prompt)}'${PS1-} ;;
esac
