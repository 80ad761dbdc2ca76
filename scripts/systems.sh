# shellcheck shell=bash
# Clean systems for rehearsals: sourced by scripts/rehearse-live, scripts/newcomer and
# scripts/package.d/check.
#
# Systems are bookworm, trixie, jammy and noble. Each is made once by mmdebstrap, and kept in
# target/package/NAME.tar. PACKAGE_DEBIAN and PACKAGE_UBUNTU name other mirrors of packages.

# shellcheck disable=SC2034  # read by those who source this file
# Packages of a download host before Heliostat comes.
SERVER_PACKAGES=(systemd systemd-sysv dbus apache2 libapache2-mod-xsendfile media-types curl procps
    ca-certificates rsync cron man-db groff-base logrotate bash-completion zsh fish adduser
    sudo apt)

need_systems() {
    need_files mmdebstrap=mmdebstrap systemd-container=systemd-nspawn curl=curl
}

# The mirror of Debian that this machine uses.
debian_mirror() {
    # shellcheck disable=SC2016  # apt expands it
    local sites='$(SITE)'
    echo "${PACKAGE_DEBIAN:-$(apt-get indextargets --format "$sites" | grep -m1 '/debian/*$')}"
}

# A mirror of Debian often has Ubuntu beside it. Debian's own hosts do not.
ubuntu_mirror() {
    local debian beside=${PACKAGE_UBUNTU-}
    if [ -z "$beside" ]; then
        debian=$(debian_mirror)
        beside=${debian%/debian*}/ubuntu
        case $debian in
            */*.debian.org/*) beside='' ;;
            *) curl -sf -m 20 "$beside/dists/noble/Release" | grep -q '^Origin: Ubuntu' ||
                beside='' ;;
        esac
    fi
    echo "${beside:-http://archive.ubuntu.com/ubuntu}"
}

# source_of SYSTEM: its line of sources.list. Ubuntu's keys come from Debian 13, which is signed.
source_of() {
    local keys=target/package/keyring
    case $1 in
        jammy | noble)
            [ -e $keys ] || echo "deb $(debian_mirror) trixie main" | mmdebstrap --quiet \
                --format=directory --variant=extract --include=ubuntu-archive-keyring trixie $keys -
            echo "deb [signed-by=$PWD/$keys/usr/share/keyrings/ubuntu-archive-keyring.gpg]" \
                "$(ubuntu_mirror) $1 main universe"
            ;;
        *) echo "deb $(debian_mirror) $1 main" ;;
    esac
}

# make_system NAME SYSTEM [PACKAGES]: makes target/package/NAME.tar if it is not there.
make_system() {
    local tar=target/package/$1.tar
    [ ! -e "$tar" ] || return 0
    echo "Making $1" >&2
    mkdir -p target/package
    source_of "$2" | mmdebstrap --quiet --format=tar --variant=minbase ${3:+--include="$3"} \
        "$2" "$tar.part" - && mv "$tar.part" "$tar"
}

# boot_system ROOT SECONDS CONSOLE: boots the system without network, in the background, for
# SECONDS at most. `container` is its process.
boot_system() {
    timeout --kill-after=10 "$2" systemd-nspawn --quiet --directory="$1" --boot \
        --register=no --keep-unit --private-network --link-journal=no --console=pipe \
        </dev/null >"$3" 2>&1 &
    # shellcheck disable=SC2034  # read by those who source this file
    container=$!
}
