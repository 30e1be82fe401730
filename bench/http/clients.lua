-- Script of wrk, the same for every system: requests of 256 clients by turns, and the figures as one line of JSON.

local CLIENTS = 256
local requests = {}
local nth = 0

function init()
  for client = 1, CLIENTS do
    wrk.headers["X-Forwarded-For"] = "192.0.2." .. (client - 1)
    requests[client] = wrk.format()
  end
end

function request()
  nth = nth % CLIENTS + 1
  return requests[nth]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"duration":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
