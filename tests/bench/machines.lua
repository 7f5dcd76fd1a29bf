-- Requests of the machines of a site that site_gen made, with iPXE's labels:
-- wrk -s machines.lua URL -- PATH GROUPS MACHINES [SHAPES [MORE]]
-- Each is one of the first MACHINES of GROUPS machines, in no order, with the label that its shape
-- of SHAPES asks for; MORE is put behind the query.
local path, groups, machines, shapes, more
local counter = 0

function init(args)
    path, groups, machines = args[1], tonumber(args[2]), tonumber(args[3])
    shapes, more = tonumber(args[4] or "1"), args[5] or ""
    math.randomseed(os.time())
    counter = math.random(machines)
end

function request()
    -- A step that has no factor in common with their number visits all of them.
    counter = (counter + 611953) % machines
    local m = (counter * 2654435761 + 1) % 4294967296
    local target = string.format(
        "%s?uuid=4c4c4544-0042-3510-8052-b4c04f4a3132&mac=52-54-%02x-%02x-%02x-%02x" ..
        "&domain=example.com&hostname=n%d&serial=ABC123&arch=x86_64%s",
        path, math.floor(m / 16777216), math.floor(m / 65536) % 256, math.floor(m / 256) % 256,
        m % 256, counter, more)
    if counter % shapes > 0 then
        target = target .. string.format("&s%03d=y", counter % shapes)
    end
    return wrk.format("GET", target)
end
