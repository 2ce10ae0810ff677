-- SPDX-License-Identifier: Apache-2.0
-- Requests of a file, in turn: wrk ... -s requests.lua -- FILE [CONTENT-TYPE]. A line is a path, or with a
-- content type the body of a POST to /v1/decide. Closes with a line of JSON.
local lines, at, content = {}, 0, nil
local browser = {["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"}

function init(arguments)
    for line in io.lines(arguments[1]) do
        lines[#lines + 1] = line
    end
    content = arguments[2]
    at = math.random(#lines)
end

function request()
    at = at % #lines + 1
    if content then
        return wrk.format("POST", "/v1/decide?count=3", {["Content-Type"] = content}, lines[at])
    end
    if string.find(lines[at], "/v1/impression/", 1, true) then
        return wrk.format("GET", lines[at], browser)
    end
    return wrk.format("GET", lines[at])
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format('{"rate":%.1f,"p50":%d,"p99":%d,"errors":%d}', summary.requests / summary.duration * 1e6,
        latency:percentile(50), latency:percentile(99), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
