-- For wrk: random paths and client addresses from two files, with a prefix, a suffix, and a field
-- Connection.
-- Usage: wrk -s random.lua URL -- PATHS ADDRESSES PREFIX SUFFIX CONNECTION
local paths, addresses, prefix, suffix, connection = {}, {}, "", "", nil

local function read(name, into)
    for line in io.lines(name) do
        into[#into + 1] = line
    end
end

function init(args)
    read(args[1], paths)
    read(args[2], addresses)
    prefix, suffix = args[3] or "", args[4] or ""
    if args[5] ~= "" then
        connection = args[5]
    end
    math.randomseed(11)
end

function request()
    local headers = { ["X-Forwarded-For"] = addresses[math.random(#addresses)] }
    headers["Connection"] = connection
    return wrk.format("GET", prefix .. paths[math.random(#paths)] .. suffix, headers)
end
