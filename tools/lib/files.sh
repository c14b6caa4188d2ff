# files.sh - which files a check looks at. Sourced, in the top directory.
# shellcheck shell=bash

# Every file of the project, also those not yet committed.
tree_files() {
	if [ -e .git ]; then
		git ls-files -co --exclude-standard |
		    while IFS= read -r f; do
			[ -f "$f" ] && printf '%s\n' "$f"
		    done
	else
		find . -path ./build -prune -o -type f -print | sed 's|^\./||'
	fi
}

c_sources() {
	tree_files | grep -E '^(src|workers|t|bench)/.*\.c$'
}

c_headers() {
	tree_files | grep -E '^(src|include|workers|t|bench)/.*\.h$'
}

# Files whose first line names an interpreter that matches $1.
scripts_of() {
	tree_files | while IFS= read -r f; do
		IFS= read -r first <"$f" 2>/dev/null || continue
		[[ $first =~ ^\#!.*[/\ ]($1)(\ |$) ]] && printf '%s\n' "$f"
	done
}

# Compiler flags of the project's C; $1 is a configured build directory.
c_flags() {
	printf '%s\n' -std=gnu11 -DHAVE_CONFIG_H "-I$1" -Isrc -Iinclude \
	    -It/unit -It/lib \
	    '-DREEVE_SYSCONFDIR="/etc/reeve"' '-DREEVE_RUNDIR="/run/reeve"' \
	    '-DREEVE_STATEDIR="/var/lib/reeve"' \
	    '-DREEVE_LIBEXECDIR="/usr/libexec/reeve"' \
	    '-DREEVE_WORKERSDIR="/usr/libexec/reeve/workers"'
}

jobs_count() {
	nproc 2>/dev/null || echo 2
}
