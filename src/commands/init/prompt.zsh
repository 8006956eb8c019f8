
setopt prompt_subst
case ${PROMPT-} in
  *mfa_prompt*) ;;
  *) PROMPT='${MFA_RUN_PROFILE:+$(mfa_prompt)}'${PROMPT-} ;;
esac
