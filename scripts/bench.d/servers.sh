# shellcheck shell=bash
# Measures the processor time of all server processes per redirect, behind each kind of server:
# Apache with its three MPMs, and nginx. Beside the shipped virtual host stand the same host before
# a responder that decides nothing, a host that has only the handler, and a redirect that the
# server makes itself. All take turns within a round; a second table has `Connection: close`.
# Sourced by scripts/bench, whose variables and functions it uses; `turns` and `spent` are those of
# compare.sh.
#
#   [SERVER_KINDS='event worker prefork nginx'] [COMPARE_ROUNDS=7] scripts/bench servers
# shellcheck disable=SC2154

SERVER_KINDS=${SERVER_KINDS:-event worker prefork nginx}
declare -A behind_pids behind_port behind_prefix

# behind SIDE PORT PREFIX PID...: what `redirect_behind` asks and measures as that side.
behind() {
    behind_port[$1]=$2 behind_prefix[$1]=$3
    local side=$1
    shift 3
    behind_pids[$side]=$*
}

# redirect_behind SIDE: microseconds of all processes per redirect. $close: "close" or "".
redirect_behind() {
    local began ended pids
    read -ra pids <<<"${behind_pids[$1]}"
    began=$(spent "${pids[@]}")
    wrk -t 1 -c 16 -d "${SECONDS_EACH}s" -s scripts/bench.d/random.lua \
        "http://127.0.0.1:${behind_port[$1]}" -- "$site/random.txt" "$site/addresses.txt" \
        "${behind_prefix[$1]}" '' "$close" >"$work/wrk.txt"
    ended=$(spent "${pids[@]}")
    awk -v n="$((ended - began))" '/requests in/ {r = $1} /Non-2xx/ {bad = $0}
        END {if (bad) {print bad >"/dev/stderr"; exit 1} printf "%.3f", n / r / 1000}' \
        "$work/wrk.txt"
}

# mpm_conf MPM: turns apache_conf's text into that of another MPM, with processes for 16 connections
# from the start: prefork makes new ones so slowly that clients wait a second for them.
mpm_conf() {
    case $1 in
        event) cat ;;
        worker) sed 's/mpm_event/mpm_worker/g' ;;
        prefork)
            sed -e 's/mpm_event/mpm_prefork/g' -e '/^ThreadsPerChild/d' \
                -e 's/^StartServers.*/StartServers 24\nMinSpareServers 8/' \
                -e 's/^ServerLimit.*/ServerLimit 128/'
            ;;
    esac
}

# apache_behind MPM NAME PORT SOCKET SHARE PID: starts an Apache; PID is the responder's.
apache_behind() {
    local folder=$work/servers/$1-$2
    mkdir -p "$folder"
    apache_conf "$folder" "$3" "$4" "$5" "$site/tree" | mpm_conf "$1" >"$folder/httpd.conf"
    [ "$(id -u)" -ne 0 ] || printf 'User www-data\nGroup www-data\n' >>"$folder/httpd.conf"
    start "server-$1-$2" apache2 -f "$folder/httpd.conf" -DFOREGROUND
    await_file "$folder/pid"
    behind "$1-$2" "$3" '' "$started" "$6"
}

# nginx_behind NAME PORT SOCKET PID: starts an nginx with the shipped configuration.
nginx_behind() {
    local folder=$work/servers/nginx-$1 more
    more='real_ip_header X-Forwarded-For; set_real_ip_from 127.0.0.1;'
    more+='location /plain/ { return 302 http://mirror.example.org/pub$request_uri; }'
    mkdir -p "$folder"
    {
        echo "daemon off; worker_processes 2; pid $folder/pid; error_log $folder/error.log;"
        [ "$(id -u)" -ne 0 ] || echo 'user www-data;'
        echo "events { worker_connections 512; } http { access_log $folder/access.log;"
        echo "keepalive_requests 1000000; include /etc/nginx/mime.types;"
        sed -e "s#/srv/download#$site/tree#; s#unix:/run/heliostat/fcgi.sock#unix:$3#" \
            -e "s#listen 80;#listen 127.0.0.1:$2;#" -e "s#^    server_name .*#&\n$more#" \
            apache-conf/nginx.conf
        echo '}'
    } >"$folder/nginx.conf"
    start "server-nginx-$1" nginx -c "$folder/nginx.conf" -e "$folder/error.log"
    await_file "$folder/pid"
    behind "nginx-$1" "$2" '' "$started" "$4"
}

# start_servers KIND PORT: the servers of a kind; their sides are in $sides.
start_servers() {
    local kind=$1 port=$2
    sides=("$kind-shipped" "$kind-constant")
    if [ "$kind" = nginx ]; then
        nginx_behind shipped "$port" "$site/fcgi.sock" "$heliostat"
        nginx_behind constant "$((port + 1))" "$site/constant.sock" "$constant"
    else
        apache_behind "$kind" shipped "$port" "$site/fcgi.sock" "$PWD/apache-conf" "$heliostat"
        apache_behind "$kind" constant "$((port + 1))" "$site/constant.sock" "$PWD/apache-conf" \
            "$constant"
        apache_behind "$kind" minimal "$((port + 2))" "$site/fcgi.sock" "$work/servers/minimal" \
            "$heliostat"
        sides+=("$kind-minimal")
    fi
    local pids
    read -ra pids <<<"${behind_pids[$kind-shipped]}"
    behind "$kind-plain" "$port" /plain "${pids[0]}"
    sides+=("$kind-plain")
}

servers() {
    local kind port=18140 sides=() all=() close=''
    need_files nginx=nginx wrk=wrk
    rm -rf "$work/servers"
    mkdir -p "$work/servers"
    cp -r apache-conf "$work/servers/minimal"
    local handler='SetHandler "${HELIOSTAT_WAY}"\nProxyFCGIBackendType GENERIC\n'
    sed -i -zE "s/.*Decides which requests.*/$handler/" "$work/servers/minimal/heliostat-ask.conf"
    chmod -R o+rX "$work/servers" && chmod o+x "$work" "$site" && chmod o+rw "$site"/*.sock
    chmod o+w "$work/servers"
    for kind in $SERVER_KINDS; do
        start_servers "$kind" "$port"
        port=$((port + 3))
        all+=("${sides[@]}")
    done
    say '' && say '== all server processes, a redirect; kept connections'
    turns us redirect_behind "${all[@]}"
    close=close
    say '' && say '== the same with Connection: close'
    turns us redirect_behind "${all[@]}"
    rm -rf "$work/servers"
}
