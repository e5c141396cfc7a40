# Interactive shells of a lab host. Kept short: it is read before every first prompt.
PS1='\[\e[1m\]\u@\h\[\e[0m\]:\w\$ '
HISTCONTROL=ignoreboth
shopt -s checkwinsize histappend
alias ls='ls --color=auto' grep='grep --color=auto' ll='ls -l'
export LESS=-R MANPAGER=less

# Completion is read at the first Tab, not at the start: it takes longer than the rest of the shell's start together.
_load_completion() {
	unset -f _load_completion
	complete -r -D
	. /usr/share/bash-completion/bash_completion
	_completion_loader "$@" # its answer, 124, has bash look again; it does so once only
}
complete -D -F _load_completion
