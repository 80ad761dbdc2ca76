# shellcheck shell=bash
# Installs the packages that scripts need: sourced by scripts/test, scripts/demo and .ci/run.
#
# Only missing packages are installed. A machine that has all of them is left alone.

# need_files PACKAGE=FILE...: installs the packages whose FILE (a path, or a command) is missing.
need_files() {
    local pair missing=()
    for pair in "$@"; do
        local package=${pair%%=*} file=${pair#*=}
        case $file in
            /*) [ -e "$file" ] || missing+=("$package") ;;
            # Debian keeps servers in /usr/sbin, which not every user has in PATH.
            *) PATH=$PATH:/usr/sbin:/sbin command -v "$file" >/dev/null || missing+=("$package") ;;
        esac
    done
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

# Runs a command as root, by sudo where that is needed.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "$0: root is needed for: $*" >&2
        return 1
    fi
}

# install_packages PACKAGE...: by apt, quietly, without starting any service.
install_packages() {
    if ! command -v apt-get >/dev/null; then
        echo "$0: please install: $* (only Debian and Ubuntu are known here)" >&2
        return 1
    fi
    echo "Installing $*" >&2
    local policy=/usr/sbin/policy-rc.d made='' log
    log=$(mktemp)
    # Servers that are installed for a test must not take the machine's port 80.
    if [ ! -e $policy ]; then
        made=$policy
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
    fi
    local status=0
    if ! apt_install "$@" >"$log" 2>&1; then
        as_root apt-get -qq update >>"$log" 2>&1 || true
        apt_install "$@" >>"$log" 2>&1 || status=$?
    fi
    [ -z "$made" ] || as_root rm -f "$made"
    [ $status -eq 0 ] || tail -n 20 "$log" >&2
    rm -f "$log"
    return $status
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "$@" </dev/null
}

# Web servers, rsync and curl: what the demo and the tests drive.
need_servers() {
    need_files apache2-bin=apache2 media-types=/etc/mime.types rsync=rsync curl=curl \
        libapache2-mod-xsendfile=/usr/lib/apache2/modules/mod_xsendfile.so \
        python3=python3
}

# Clients that the end-to-end tests drive: a browser, dnf and what makes a repository for it, and
# Prometheus' checker of metrics and alerts.
need_clients() {
    need_files chromium=chromium fonts-dejavu-core=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf \
        dnf=dnf createrepo-c=createrepo_c rpm=rpmbuild prometheus=promtool \
        python3-librepo=/usr/lib/python3/dist-packages/librepo/__init__.py
}

# A C compiler for SQLite and xz, which are built with the program.
need_compiler() {
    need_files gcc=gcc libc6-dev=/usr/include/stdio.h
}

# rust_is_new_enough VERSION: whether `cargo` is there and at least that version.
rust_is_new_enough() {
    local found
    command -v cargo >/dev/null && found=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
    [ "$(printf '%s\n%s\n' "$1" "${found%%-*}" | sort -V | head -n 1)" = "$1" ]
}

# Rust of the version that Cargo.toml names: what is there, or the distribution's, or its rustup.
need_rust() {
    local wanted
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    PATH=$PATH:$HOME/.cargo/bin
    if rust_is_new_enough "$wanted"; then
        return
    fi
    if command -v apt-cache >/dev/null && ! command -v cargo >/dev/null; then
        apt-cache show cargo >/dev/null 2>&1 || as_root apt-get -qq update >/dev/null 2>&1 || true
        local offered
        offered=$(apt-cache show cargo 2>/dev/null | sed -n 's/^Version: //p' | sort -V | tail -n 1)
        if [ "$(printf '%s\n%s\n' "$wanted" "${offered:-0}" | sort -V | head -n 1)" = "$wanted" ]
        then
            install_packages cargo rustc || true
        elif apt-cache show rustup >/dev/null 2>&1; then
            if install_packages rustup; then
                rustup -q default stable >/dev/null 2>&1 || true
            fi
        fi
    fi
    if ! rust_is_new_enough "$wanted"; then
        echo "$0: Rust $wanted or later is needed, and this system's packages have none." >&2
        echo "Install it from https://rustup.rs and start this command again." >&2
        return 1
    fi
}

# FTP servers for the tests, unpacked side by side: Debian lets only one of them be installed, and
# an installed one may be the machine's own. The folder is that of `tests/stand_in/ftpd.rs`.
need_ftp_servers() {
    local folder=target/ftp-servers
    [ -x $folder/usr/sbin/proftpd ] && [ -e $folder/complete ] && return
    unpack_packages $folder vsftpd libwrap0 pure-ftpd pure-ftpd-common libsodium23 \
        proftpd-core proftpd-mod-crypto libhiredis0.14 libmemcached11 libmemcachedutil2 \
        libhashkit2 libpcre2-posix3
    touch $folder/complete
}

# unpack_packages FOLDER PACKAGE...: unpacks packages without installing them.
unpack_packages() {
    local folder downloads package
    folder=$(realpath -m "$1")
    shift
    echo "Unpacking $*" >&2
    downloads=$(mktemp -d)
    if ! (cd "$downloads" && apt-get -qq download "$@" 2>/dev/null); then
        as_root apt-get -qq update >/dev/null 2>&1 || true
        (cd "$downloads" && apt-get -qq download "$@")
    fi
    mkdir -p "$folder"
    for package in "$downloads"/*.deb; do
        dpkg -x "$package" "$folder"
    done
    rm -rf "$downloads"
}
