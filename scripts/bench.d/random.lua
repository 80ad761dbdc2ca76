-- For wrk: random paths and client addresses from two files, with a prefix and a suffix.
-- Usage: wrk -s random.lua URL -- PATHS ADDRESSES PREFIX SUFFIX
local paths, addresses, prefix, suffix = {}, {}, "", ""

local function read(name, into)
    for line in io.lines(name) do
        into[#into + 1] = line
    end
end

function init(args)
    read(args[1], paths)
    read(args[2], addresses)
    prefix, suffix = args[3] or "", args[4] or ""
    math.randomseed(11)
end

function request()
    local headers = { ["X-Forwarded-For"] = addresses[math.random(#addresses)] }
    return wrk.format("GET", prefix .. paths[math.random(#paths)] .. suffix, headers)
end
