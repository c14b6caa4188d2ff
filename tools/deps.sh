# deps.sh - the Debian packages that building and testing need, and how to get
# them. Sourced by quickstart and runtests.
# shellcheck shell=bash disable=SC2034

# To build and to run: compiler, build system, libraries, the sample workers.
BUILD_PACKAGES=(gcc libc6-dev make autoconf automake pkg-config
    libevent-dev libyajl-dev libsqlite3-dev libsystemd-dev perl tzdata)
# To test and to check.
TEST_PACKAGES=("${BUILD_PACKAGES[@]}" git clang clang-format clang-tidy
    cppcheck shellcheck libcmocka-dev sqlite3 python3 curl procps
    strace)

missing_packages() {
	local p
	for p; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" \
		    2>/dev/null)" = installed ] || printf '%s\n' "$p"
	done
}

# Install what is missing of the given packages; when nothing is, touch
# neither the network nor root's rights.
need_packages() {
	local missing as_root=()
	command -v dpkg-query >/dev/null || {
		echo "This is no Debian; install yourself what these are: $*" >&2
		return 0
	}
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "Packages are missing and this is neither root" \
			    "nor is there sudo. As root:" >&2
			echo "  apt-get install --no-install-recommends" \
			    "${missing[*]}" >&2
			return 1
		}
		as_root=(sudo)
	fi
	echo "Installing ${missing[*]}"
	# The lists of a machine that has been up for long point to packages
	# that are gone.
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
	    apt-get -qq update || return 1
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
	    apt-get -qq -y install --no-install-recommends "${missing[@]}" \
	    >/dev/null || return 1
}

# configure is made once, by one of those who want it.
need_configure() {
	local fresh
	mkdir -p build
	(
		flock 9
		fresh=$(find configure.ac m4 -newer configure 2>/dev/null |
		    head -n1) || true
		[ -e configure ] && [ -e Makefile.in ] && [ -z "$fresh" ] &&
		    exit 0
		./autogen.sh >build/autogen.log 2>&1 || {
			cat build/autogen.log >&2
			exit 1
		}
	) 9>build/.lock
}

# need_build DIR CONFIGURE-ARGUMENT...: configure DIR unless it was configured
# in the same way, and build it.
need_build() {
	local dir=$1 top=$PWD
	shift
	mkdir -p "$dir"
	if ! [ -e "$dir/Makefile" ] ||
	    [ "$(cat "$dir/.arguments" 2>/dev/null)" != "$*" ]; then
		rm -f "$dir/.arguments"
		(cd "$dir" && "$top/configure" -q "$@") || return 1
		printf '%s\n' "$*" >"$dir/.arguments"
	fi
	make -s -C "$dir" -j"$(nproc)" "${MAKE_TARGETS[@]:-all}"
}
