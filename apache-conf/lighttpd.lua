-- Heliostat behind lighttpd: decides which requests go to the responder, and serves the file when
-- there is no answer. lighttpd.conf names this file. lighttpd runs it twice per request: when it
-- has found the file of the URL, and before it sends the head of an answer.

-- Add your own endings of names that lighttpd runs or parses, in lower case (cgi.assign,
-- fastcgi.server, ssi.extension). The responder is never asked about them or their documents.
local SCRIPTS = {}
for ending in ("php php2 php3 php4 php5 php6 php7 php8 php9 pht phtm phtml phar phps cgi fcgi " ..
    "shtm shtml stm lua pl py rb"):gmatch("%S+") do
    SCRIPTS[ending] = true
end

local DOCUMENTS = {}
for suffix in ("meta4 metalink mirrorlist torrent zsync magnet md5 sha1 sha256 sha512 " ..
    "btih"):gmatch("%S+") do
    DOCUMENTS[suffix] = true
end

-- Add the names of the arguments of your [[site.NAME.yum]]. These arguments ask for a list of
-- mirrors where there is no file: of a directory, and for yum and dnf.
local LISTS = { mirrorlist = true }

-- While the responder hangs, each question costs up to three seconds. So after a question without
-- an answer lighttpd serves files itself, and one request in PAUSE seconds asks, until there is one.
local PAUSE = 5
local HUNG = "heliostat.hung-since"

-- lighttpd.conf compares the query with this value. No client can send a line break.
local ASK = "\nheliostat"

local r = lighty.r
local attributes, variables = r.req_attr, r.req_env

-- Whether an argument of the query is one of `words`, however it is escaped.
local function has_argument(query, words)
    for argument in ((query or "") .. "&"):gmatch("([^&]*)&") do
        local name = argument:match("^[^=]*"):gsub("%+", " "):gsub("%%(%x%x)", function(hex)
            return string.char(tonumber(hex, 16))
        end)
        if words[name:lower()] then
            return true
        end
    end
    return false
end

-- The name of a script may be followed by a language or an encoding.
local function is_script(path)
    local name = path:match("[^/]*$"):lower()
    local last = name:match("%.([^.]*)$")
    local before = name:match("%.([^.]*)%.[^.]*$")
    return SCRIPTS[last or ""] or SCRIPTS[before or ""] or false
end

local function is_file(path)
    local stat = lighty.c.stat(path)
    return stat and stat.is_file
end

-- Seconds in the range of lighttpd's counters, which are kept from request to request.
local function now()
    return os.time() % 1000000000
end

-- Whether this request must not ask. If it may, though the responder hung, no other asks meanwhile.
local function is_pausing()
    local since = lighty.server.plugin_stats[HUNG] or 0
    if since == 0 then
        return false
    end
    local past = now() - since
    if past >= 0 and past < PAUSE then
        return true
    end
    lighty.server.plugin_stats[HUNG] = now()
    return false
end

-- lighttpd.conf passes requests with this query to the responder. The responder gets the client's
-- own query.
local function ask(path, is_document)
    local is_late = is_pausing()
    if is_late and not is_document then
        return 0
    end
    variables["QUERY_STRING"] = attributes["uri.query"] or ""
    variables["HELIOSTAT_FILE"] = path
    if is_late then
        return 503
    end
    attributes["uri.query"] = ASK
    return 0
end

-- A document's URL is the file's URL with a suffix. lighttpd continues at the URL of the file, and
-- asks there. So a rule that forbids the file forbids the document.
local function go_on_to_file(path)
    local suffix = path:match("%.([a-z0-9]+)$")
    if not DOCUMENTS[suffix or ""] then
        return 0
    end
    local name = path:sub(1, -#suffix - 2)
    local target, query = attributes["request.uri"]:match("^([^?]*)(.*)$")
    local is_named = target:sub(-#suffix - 1) == "." .. suffix
    local stat = is_named and lighty.c.stat(name)
    local is_list = stat and stat.is_dir and suffix == "mirrorlist"
    if not stat or not (stat.is_file and not is_script(name) or is_list) then
        return 0
    end
    target = target:sub(1, -#suffix - 2)
    if is_list then
        query = "?mirrorlist&" .. query:sub(2)
        target = target .. "/"
    else
        variables["HELIOSTAT_DOCUMENT"] = suffix
    end
    attributes["physical.path"] = nil
    attributes["request.uri"] = target .. query
    return lighty.RESTART_REQUEST
end

-- Runs when lighttpd has found the file.
local function found()
    -- lighttpd alone serves error pages. Otherwise their status would be lost.
    if variables["REDIRECT_STATUS"] then
        return 0
    end
    variables["HELIOSTAT_FILE"] = nil
    local path, document = attributes["physical.path"], variables["HELIOSTAT_DOCUMENT"]
    local stat = lighty.c.stat(path)
    local lists = not document and has_argument(attributes["uri.query"], LISTS)
    local is_document = document or lists or has_argument(attributes["uri.query"], DOCUMENTS)
    if stat and stat.is_file and not is_script(path) then
        return ask(path, is_document)
    elseif stat and stat.is_dir and lists and path:sub(-1) == "/" then
        return ask(path, is_document)
    elseif document then
        -- There is no file for this document.
        return 404
    elseif stat then
        return 0
    end
    return go_on_to_file(path)
end

-- Runs before lighttpd answers with `status`.
local function answer(status)
    local file, query = variables["HELIOSTAT_FILE"], variables["QUERY_STRING"]
    if not file then
        return 0
    end
    if attributes["uri.query"] == ASK then
        attributes["uri.query"] = query
        if status == 504 then
            lighty.server.plugin_stats[HUNG] = now()
        elseif (lighty.server.plugin_stats[HUNG] or 0) ~= 0 then
            lighty.server.plugin_stats[HUNG] = 0
        end
    end
    -- If the error has its own page (server.error-handler), that status counts.
    if (tonumber(variables["REDIRECT_STATUS"]) or status) < 500 then
        return 0
    end
    local head = r.resp_header
    local is_document = variables["HELIOSTAT_DOCUMENT"] or has_argument(query, DOCUMENTS)
    if is_document or not is_file(file) then
        -- A document is never replaced by the file. 503 says that it is worth trying again.
        head["Retry-After"] = head["Retry-After"] or "5"
        return 0
    end
    head["Content-Type"] = ""
    head["Retry-After"] = ""
    -- As mod_staticfile sends the file: with its tag and conditions, by lighttpd's rules for links.
    return lighty.c.stat(file)["http-response-send-file"]
end

-- A status is set only before lighttpd answers.
local status = r.req_item["http_status"]
if status == 0 then
    return found()
end
return answer(status)
