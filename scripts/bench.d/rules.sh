# shellcheck shell=bash
# Counts what the rules of the virtual host cost: instructions of Apache per redirect, by callgrind,
# with each rule left out in turn. Counts hardly vary, so that one run on a busy machine tells.
# Sourced by scripts/bench, whose variables and functions it uses.
#
# System calls are not in the counts; `scripts/bench compare` measures time.
# shellcheck disable=SC2154

# Redirects of the short run, and of the long one; the difference leaves the start out.
RULES_SHORT=200 RULES_LONG=1200

# rules_of NAME [SED...]: a copy of apache-conf, changed by expressions of sed over whole files.
rules_of() {
    local share=$work/rules/$1 expression
    shift
    rm -rf "$share"
    cp -r apache-conf "$share"
    for expression in "$@"; do
        sed -i -zE "$expression" "$share"/heliostat-{ask,headers,log}.conf
    done
    chmod -R a+rX "$share"
}

# rules_run NAME COUNT: instructions of Apache from start to end, with that many redirects.
rules_run() {
    local folder=$work/rules/apache-$1 pid
    rm -f "$folder/pid" "$folder/calls"
    "${as_web[@]}" valgrind --tool=callgrind --callgrind-out-file="$folder/calls" \
        apache2 -X -f "$folder/httpd.conf" >"$folder/valgrind.log" 2>&1 &
    pid=$!
    await_file "$folder/pid"
    head -n "$2" "$site/random.txt" \
        | awk '{sub("^/*", "/"); print "url=http://127.0.0.1:18121" $0 "\noutput=/dev/null"}' \
            >"$folder/urls"
    curl -s -K "$folder/urls" -H 'X-Forwarded-For: 81.2.3.4' -w '%{http_code}\n' | sort | uniq -c \
        | awk -v name="$1" '$2 != 302 {print name ": " $0 >"/dev/stderr"}'
    kill "$pid"
    wait "$pid" || true
    awk '/^(totals|summary):/ {print $2; exit}' "$folder/calls"
}

# rules_cost NAME [SED...]: says the instructions per redirect with these rules.
rules_cost() {
    local name=$1 folder=$work/rules/apache-$1 short long
    rules_of "$@"
    mkdir -p "$folder"
    rules_conf "$name" >"$folder/httpd.conf"
    chmod 777 "$folder"
    short=$(rules_run "$name" "$RULES_SHORT")
    long=$(rules_run "$name" "$RULES_LONG")
    say "$(printf '%-28s %7d' "$name" \
        $(((long - short) / (RULES_LONG - RULES_SHORT))))"
}

# rules_conf NAME: Apache in one process, so that valgrind sees it.
rules_conf() {
    local folder=$work/rules
    apache_conf "$folder/apache-$1" 18121 "$site/fcgi.sock" "$folder/$1" "$site/tree" \
        | sed -e 's/^ServerLimit.*/ServerLimit 1/' \
            -e 's/^MaxRequestWorkers.*/MaxRequestWorkers 4/' \
            -e 's/^ThreadsPerChild.*/ThreadsPerChild 4\nThreadLimit 4/'
}

rules() {
    say '' && say '== rules of the virtual host: instructions of Apache per redirect'
    local as_web=()
    need_files valgrind=valgrind curl=curl
    if [ "$(id -u)" -eq 0 ]; then
        as_web=(setpriv --reuid www-data --regid www-data --clear-groups)
    fi
    mkdir -p "$work/rules"
    chmod o+x "$work" "$work/rules" "$site"
    chmod o+rw "$site"/*.sock
    rules_cost shipped
    rules_cost without-test-of-names \
        's/ *&& ! %\{REQUEST_FILENAME\} =~ m#\[\[:cntrl:\]\][^\n]*\n//'
    rules_cost without-packed-twins \
        's/ *&& ! \( %\{REQUEST_FILENAME\} =~ m#\\\.[^\n]*ENCODED[^\n]*\n[^\n]*\n[^\n]*\n//'
    rules_cost without-any-test 's/<If "%\{REQUEST_METHOD\} in.*\) \) \)">/<If "true">/'
    rules_cost without-encodings \
        's/\n    <If "%\{REQUEST_FILENAME\} =~ m#\\\.[^\n]*\n[^\n]*\n[^\n]*\n    <\/If>//'
    rules_cost without-request-headers 's/\n *RequestHeader [^\n]*(\\\n[^\n]*)?//g'
    rules_cost without-link-lines 's/\nHeader always (add|unset) (.-)?(Link|Digest)[^\n]*//g'
    rules_cost without-log-fields \
        's/\n *Header always (note|unset|setifempty) [^ ]*-MB[^\n]*(\\\n[^\n]*)?//g'
    local handler='SetHandler "${HELIOSTAT_WAY}"\nProxyFCGIBackendType GENERIC\n'
    rules_cost minimal "s/.*Decides which requests.*/$handler/"
    rm -rf "$work/rules"
}
