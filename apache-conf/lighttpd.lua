-- Heliostat behind lighttpd: decides what is asked of the responder, and serves the file when
-- there is no answer. lighttpd.conf names this file; lighttpd runs it twice per request: when
-- it has found the file of the URL, and before it sends the head of an answer.

-- Endings of names that lighttpd runs or takes apart, in lower case. They are never asked about, and
-- have no documents. Add those of your own (cgi.assign, fastcgi.server, ssi.extension).
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

-- Arguments that ask for a list of mirrors where there is no file: of a directory, and for yum and
-- dnf. Add the names of the arguments of your [[site.NAME.yum]].
local LISTS = { mirrorlist = true }

-- What lighttpd.conf compares the query with. No client can send a line break.
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

-- The name of a script may have a language or an encoding behind it.
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

-- lighttpd.conf has the responder where the query is this; the responder gets the client's own.
local function ask(path)
    variables["QUERY_STRING"] = attributes["uri.query"] or ""
    variables["HELIOSTAT_FILE"] = path
    attributes["uri.query"] = ASK
    return 0
end

-- A document about a file is made from the file's name. lighttpd goes on to the URL of the file
-- itself, and asks there: whatever forbids the file forbids the document.
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

-- lighttpd knows the file.
local function found()
    -- The page of an error is lighttpd's, or its status would be lost.
    if variables["REDIRECT_STATUS"] then
        return 0
    end
    variables["HELIOSTAT_FILE"] = nil
    local path, document = attributes["physical.path"], variables["HELIOSTAT_DOCUMENT"]
    local stat = lighty.c.stat(path)
    local lists = not document and has_argument(attributes["uri.query"], LISTS)
    if stat and stat.is_file and not is_script(path) then
        return ask(path)
    elseif stat and stat.is_dir and lists and path:sub(-1) == "/" then
        return ask(path)
    elseif document then
        -- A document about nothing.
        return 404
    elseif stat then
        return 0
    end
    return go_on_to_file(path)
end

-- lighttpd is about to answer with `status`.
local function answer(status)
    local file, query = variables["HELIOSTAT_FILE"], variables["QUERY_STRING"]
    if not file then
        return 0
    end
    if attributes["uri.query"] == ASK then
        attributes["uri.query"] = query
    end
    -- An error that has a page of its own (server.error-handler) is the one that counts.
    if (tonumber(variables["REDIRECT_STATUS"]) or status) < 500 then
        return 0
    end
    local head = r.resp_header
    local is_document = variables["HELIOSTAT_DOCUMENT"] or has_argument(query, DOCUMENTS)
    if is_document or not is_file(file) then
        -- Never the file in place of a document about it: it is worth trying again.
        head["Retry-After"] = head["Retry-After"] or "5"
        return 0
    end
    head["Content-Type"] = ""
    head["Retry-After"] = ""
    -- As mod_staticfile sends it: with its tag, its conditions, and by lighttpd's rules for links.
    return lighty.c.stat(file)["http-response-send-file"]
end

-- There is a status when lighttpd is about to answer.
local status = r.req_item["http_status"]
if status == 0 then
    return found()
end
return answer(status)
