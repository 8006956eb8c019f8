# Completion of mfa-run, and of the function mfa, for elvish. `mfa-run completions elvish` prints this.
use str
set edit:completion:arg-completer[mfa-run] = {|@words|
  var answer = [(try { e:mfa-run complete elvish -- $@words 2>/dev/null | from-lines } catch _ { })]
  if (eq $answer []) { return }
  if (eq $answer[0] command) {
    var end = 0
    while (not-eq $words[$end] --) { set end = (+ $end 1) }
    edit:complete-sudo (all $words[$end..])
  } elif (eq $answer[0] files) {
    edit:complete-filename $@words
  } else {
    each {|line|
      var value help = (str:split &max=2 "\t" $line)
      if (eq $help '') {
        edit:complex-candidate $value &code-suffix=' '
      } else {
        edit:complex-candidate $value &code-suffix=' ' &display=$value' ('$help')'
      }
    } $answer[1..]
  }
}
set edit:completion:arg-completer[mfa] = $edit:completion:arg-completer[mfa-run]
