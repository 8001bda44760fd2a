# SPDX-License-Identifier: Apache-2.0
#
# Shared by ./run and ./check: installs what is missing, configures and builds. Sourced, never run by itself.

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() { printf 'hearth: %s\n' "$*" >&2; exit 1; }

# Prints the packages of the list that are not installed.
missing_packages() {
    local wanted installed
    wanted=$(grep -vE '^\s*(#|$)' packaging/debian-packages.txt | sort)
    # shellcheck disable=SC2086
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | awk '$1 == "installed" {print $2}' | sort)
    comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

ensure_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "This is not a Debian system: please see that the packages of packaging/debian-packages.txt are there."
        return 0
    fi
    local missing sudo=""
    missing=$(missing_packages)
    [ -z "$missing" ] && return 0
    say "Hearth needs these packages, which are not installed: $(echo $missing)"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "please install them as root: apt-get install $(echo $missing)"
        sudo="sudo"
    fi
    say "Installing them with apt-get ..."
    # An old package list is the usual cause of a failed install, so it is fetched anew first.
    $sudo apt-get update -qq || say "apt-get update failed; trying with the package list at hand."
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        die "the packages could not be installed. Check the network and run: apt-get install $(echo $missing)"
}

# build PRESET [TARGET ...]
build() {
    local preset=$1
    shift
    local folder="build/$preset" jobs
    jobs=$(nproc)
    mkdir -p "$folder"
    if [ ! -f "$folder/build.ninja" ]; then
        say "Configuring ($preset) ..."
        cmake --preset "$preset" >"$folder/configure.log" 2>&1 || { tail -n 40 "$folder/configure.log"; die "configuring failed; all of it is in $folder/configure.log"; }
    fi
    say "Building ($preset, $jobs jobs) ..."
    cmake --build "$folder" -j "$jobs" ${1:+--target "$@"} >"$folder/build.log" 2>&1 ||
        { grep -nE 'error|FAILED|undefined reference' "$folder/build.log" | head -n 40; tail -n 40 "$folder/build.log"; die "the build failed; all of it is in $folder/build.log"; }
}
