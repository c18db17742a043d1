-- wrk script: every request is a new order. The bodies come from a file, one a
-- line; each is cut at its order id once, so that making a request is two
-- concatenations. wrk starts this once per thread.
local bodies = {}
local thread_count = 0
local counter = 0
local prefix = ""

function setup(thread)
  thread_count = thread_count + 1
  thread:set("thread_number", thread_count)
end

function init(args)
  prefix = string.format("%s%d", os.getenv("BENCH_RUN") or "0", thread_number)
  for line in io.lines(os.getenv("BENCH_BODIES")) do
    local from, to = line:find("H%d+")
    table.insert(bodies, { line:sub(1, from), line:sub(to + 1) })
  end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Client-Token"] = os.getenv("BENCH_TOKEN")
end

function request()
  counter = counter + 1
  local body = bodies[counter % #bodies + 1]
  return wrk.format(nil, nil, nil, body[1] .. prefix .. string.format("%08d", counter) .. body[2])
end

-- With a pause each connection waits before its next order: a rate, not a flood.
local pause_ms = tonumber(os.getenv("BENCH_PAUSE_MS") or "0")
if pause_ms > 0 then
  function delay()
    return pause_ms
  end
end

function done(summary, latency, requests)
  io.write(string.format(
    "RESULT requests=%d seconds=%.3f status_errors=%d connect=%d read=%d write=%d timeout=%d p50=%.2f p99=%.2f max=%.2f\n",
    summary.requests, summary.duration / 1e6, summary.errors.status, summary.errors.connect,
    summary.errors.read, summary.errors.write, summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
